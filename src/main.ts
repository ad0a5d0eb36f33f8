#!/usr/bin/env node
import { Argument, Command, CommanderError, Option } from 'commander';
import { exitCodeOf, exitCodes } from './commands/exit-codes.ts';
import { LannerError, messageOf } from './lib/errors.ts';
import { version } from './version.ts';

/** argv → command → exit code: the one place that ends the process. Commands load what they need when they run. */
const program = new Command('lanner')
  .description('Network utilities executed in containers: findings on top of Falco and Tetragon')
  .version(version)
  .showHelpAfterError('(add --help for the options)')
  .exitOverride();

program
  .command('run')
  .description('the service: reads the configured sources and delivers findings until SIGTERM')
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .action(async (options: { config: string }) => {
    const { run } = await import('./commands/run.ts');
    finish(await run(options.config));
  });

program
  .command('reload')
  .description(
    'a running Lanner reads its configuration again; shows what that changes, or why it was refused',
  )
  .requiredOption('-c, --config <file>', 'configuration of that Lanner: state_dir is taken from it')
  .option('--json', 'for tools', false)
  .action(async (options: { config: string; json: boolean }) => {
    const { reload } = await import('./commands/reload.ts');
    finish(await reload(options.config, options.json));
  });

program
  .command('check')
  .description('validates a configuration and shows all its problems')
  .argument('<file>', 'configuration file (YAML), - for standard input')
  .option('--json', 'print the whole configuration, defaults filled in, secrets hidden')
  .action(async (file: string, options: { json?: boolean }) => {
    const { check } = await import('./commands/check.ts');
    finish(check(file, options.json ?? false));
  });

program
  .command('init')
  .description(
    'looks for sensors and runtimes on this host and writes a commented configuration that fits; ends with 1 if something has to be done first',
  )
  .option('-o, --out <file>', 'file to write, - for standard output', 'lanner.yaml')
  .option('--force', 'overwrite the file', false)
  .option('--root <folder>', 'look below this folder instead of /', '/')
  .option('--json', 'what was found, what is to do and the configuration, for tools', false)
  .action(async (options: import('./commands/init.ts').InitFlags) => {
    const { init } = await import('./commands/init.ts');
    finish(init(options));
  });

program
  .command('doctor')
  .description(
    'tries everything a configuration needs: sensors, sinks, runtimes, permissions, clocks; sends nothing; ends with 1 if something is wrong',
  )
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .option('--timeout <seconds>', 'longest wait for one answer', '5')
  .option('--root <folder>', "look for the sensors' files below this folder", '/')
  .option('--json', 'for tools', false)
  .action(async (options: import('./commands/doctor.ts').DoctorFlags) => {
    const { doctor } = await import('./commands/doctor.ts');
    finish(await doctor(options));
  });

program
  .command('health')
  .description('asks a running Lanner whether it can take events: 0 if so, 1 if not (for HEALTHCHECK)')
  .option('-c, --config <file>', 'configuration of that Lanner: address, TLS and token are taken from it')
  .option('--url <url>', 'its address instead', 'http://127.0.0.1:2114')
  .option('--timeout <seconds>', 'longest wait for the answer', '3')
  .option('--json', 'for tools')
  .action(async (options: import('./commands/health.ts').HealthFlags) => {
    const { health } = await import('./commands/health.ts');
    finish(await health(options));
  });

program
  .command('demo')
  .description('plays a real recording through the whole way: gRPC in, webhook out')
  .option('--follow', 'stay when the recording is over', false)
  .option('--speed <factor>', 'how fast the recording is played; 0: at once', '1')
  .option('--json', 'findings as JSON lines, then the summary', false)
  .action(async (options: { follow: boolean; speed: string; json: boolean }) => {
    const { demo } = await import('./commands/demo.ts');
    finish(await demo({ ...options, speed: Number(options.speed) }));
  });

program
  .command('replay')
  .description('recordings through the same pipeline; nothing is delivered unless asked for')
  .argument(
    '<files...>',
    'recordings, exported findings, what a receiver stored, gzipped or not; - for standard input; history: that of --config',
  )
  .addOption(new Option('--form <sensor>', 'whose messages these are').choices(['tetragon', 'falco']))
  .option('-c, --config <file>', 'configuration to judge and route by')
  .option('--json', 'findings as JSON lines, then the summary', false)
  .option('--deliver', 'deliver to the sinks of the configuration', false)
  .option('--no-state', 'judge each event by itself')
  .option('--against <file>', 'the configuration to compare with: shows what is told otherwise, ends with 1')
  .option('--examples <count>', 'with --against: so many of each difference', '5')
  .action(async (files: string[], options: import('./commands/replay-command.ts').ReplayFlags) => {
    const { replayCommand } = await import('./commands/replay-command.ts');
    finish(await replayCommand(files, options));
  });

program
  .command('judge')
  .description('judges events written as JSON lines, one line out for each line in')
  .argument('<file>', 'JSON lines, gzipped or not; - for standard input')
  .addOption(
    new Option('--form <form>', 'how they are written; told by the line if left out').choices([
      'corpus',
      'tetragon',
      'falco',
    ]),
  )
  .option('-c, --config <file>', 'configuration to judge by')
  .option('--state', 'remember earlier events: ancestors, repeats, chains')
  .action(async (file: string, options: import('./commands/judge-command.ts').JudgeFlags) => {
    const { judgeCommand } = await import('./commands/judge-command.ts');
    finish(await judgeCommand(file, options));
  });

withExec(program.command('explain'))
  .description('every step of one judgement')
  .argument(
    '[file]',
    'JSON of an exec event: any sensor form, a finding, a corpus line; - for standard input; or the id of a kept finding',
  )
  .option('-c, --config <file>', 'configuration to judge by')
  .option('--json', 'for tools')
  .option('--all', 'all indicators that stayed silent, not only the nearest')
  .action(async (file: string | undefined, options: import('./commands/explain.ts').ExplainFlags) => {
    const { explain } = await import('./commands/explain.ts');
    finish(await explain(file, options));
  });

withExec(program.command('why-not'))
  .description(
    'of an exec that did not fire: what stood in the way, and which configuration would make it fire',
  )
  .argument('[file]', 'as for explain; without it, the newest missed exec of the history that fits')
  .option('-c, --config <file>', 'configuration to judge by, and whose history is looked into')
  .option('--tool <id>', 'of the history: canonical id of the tool')
  .option('--word <word...>', 'of the history: words of its command line')
  .option('--since <when>', 'of the history: a time, or an age such as 24h or 7d')
  .option('--json', 'for tools')
  .action(async (file: string | undefined, options: import('./commands/why-not.ts').WhyNotFlags) => {
    const { whyNot } = await import('./commands/why-not.ts');
    finish(await whyNot(file, options));
  });

program
  .command('score')
  .description('a labelled corpus through the whole path: recall, false positives, errors')
  .argument(
    '<corpus...>',
    'labelled cases as JSON lines, or findings with labels (history export), gzipped or not',
  )
  .addOption(
    new Option('--form <form>', 'the form of the events')
      .choices(['corpus', 'tetragon', 'falco'])
      .default('corpus'),
  )
  .option('--events <file>', 'the same cases in a wire form, one event a line')
  .option('--index <file>', 'which case an event of --events belongs to')
  .option('-c, --config <file>', 'configuration to judge by')
  .option('--min-recall <share>', 'fail below this detection recall')
  .option('--min-severity-recall <share>', 'fail below this severity recall')
  .option('--max-fp-rate <share>', 'fail above this false-positive rate')
  .option('--min-tool-accuracy <share>', 'fail below this tool accuracy')
  .option('--json', 'for tools')
  .action(async (corpus: string[], options: import('./commands/score.ts').ScoreFlags) => {
    const { score } = await import('./commands/score.ts');
    finish(await score(corpus, options));
  });

program
  .command('record')
  .description('writes what a live source sends to a file that replay reads')
  .argument('<source>', 'name of a source in the configuration')
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .requiredOption('-o, --out <file>', 'file to write; gzipped if it ends with .gz; - for standard output')
  .option('--redact', 'take credentials out of arguments', false)
  .option('--messages <count>', 'stop after so many messages')
  .option('--seconds <count>', 'stop after so many seconds')
  .option('--json', 'what was written, for tools', false)
  .action(async (source: string, options: import('./commands/record.ts').RecordFlags) => {
    const { record } = await import('./commands/record.ts');
    finish(await record(source, options));
  });

const history = program
  .command('history')
  .description('findings that were kept, hidden ones too, and a sample of execs that did not fire');
withFilters(history.command('query'))
  .description('the newest that fit; with --json the whole findings, oldest first, for replay and tune')
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .option('--since <when>', 'a time, or an age such as 24h or 7d')
  .option('--until <when>', 'a time, or an age')
  .option('--missed', 'execs that named a tool and did not fire, instead of findings')
  .addOption(new Option('--label <label>', 'what a person said of it').choices(['expected', 'malicious']))
  .option('--limit <count>', 'at most so many; 0: all. Default: 50, with --json all')
  .option('--json', 'findings as JSON lines', false)
  .action(async (options: import('./commands/history.ts').HistoryFlags) => {
    const { historyQuery } = await import('./commands/history.ts');
    finish(await historyQuery(options));
  });
history
  .command('export')
  .description(
    'all of it into one file, while Lanner runs or not: JSON lines for replay, tune and score, or SQLite',
  )
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .requiredOption(
    '-o, --out <file>',
    'file to write: JSON lines, gzipped with .gz; SQLite with .db; - for standard output',
  )
  .option('--json', 'what was written, for tools', false)
  .action(async (options: import('./commands/history-export.ts').ExportFlags) => {
    const { historyExport } = await import('./commands/history-export.ts');
    finish(await historyExport(options));
  });

withFilters(program.command('tail'))
  .description('what a running Lanner finds, as it finds it, until Ctrl-C; waits for one that restarts')
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .option('--since <when>', 'begin with what was kept since then: a time, or an age such as 24h or 7d')
  .option('--missed', 'kept execs that named a tool and did not fire, instead of findings')
  .option('--json', 'findings as JSON lines', false)
  .action(async (options: import('./commands/tail.ts').TailFlags) => {
    const { tail } = await import('./commands/tail.ts');
    finish(await tail(options));
  });

program
  .command('label')
  .description('says of a finding or missed exec of the history what it was, for lanner score')
  .argument('<id>', 'its id')
  .addArgument(new Argument('<label>', 'what it was').choices(['expected', 'malicious']))
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .option('--note <text>', 'why')
  .option('--corpus <file>', 'labelled cases as JSON lines; default: corpus.jsonl in state_dir')
  .option('--min-severity <severity>', 'malicious: the least it must reach', 'low')
  .option('--max-severity <severity>', 'expected: the most that is tolerated; default: what no route wants')
  .option('--json', 'for tools', false)
  .action(async (id: string, label: string, options: import('./commands/label.ts').LabelFlags) => {
    const { labelCommand } = await import('./commands/label.ts');
    finish(await labelCommand(id, label, options));
  });

program
  .command('tune')
  .description('proposes exceptions for what is noisy, with their effect; never for a hard indicator')
  .argument(
    '[files...]',
    'exported findings or what a receiver stored, gzipped or not; - for standard input; without them, the history',
  )
  .option('-c, --config <file>', 'configuration: its history, and what its exceptions hide already')
  .option('--since <when>', 'a time, or an age such as 24h or 7d')
  .option('--until <when>', 'a time, or an age')
  .option('--max-severity <severity>', 'leave findings above alone', 'medium')
  .option('--min-count <count>', 'as often it must have happened', '5')
  .option('--limit <count>', 'at most so many proposals', '20')
  .option('--expires-days <count>', 'when the exceptions stop', '90')
  .option('--owner <name>', 'who answers for them')
  .option('--apply <file>', 'write them to this file of exceptions')
  .option('--json', 'for tools', false)
  .action(async (files: string[], options: import('./commands/tune.ts').TuneFlags) => {
    const { tune } = await import('./commands/tune.ts');
    finish(await tune(files, options));
  });

const exceptions = program.command('exceptions').description('what is expected, and whether it still is');
exceptions
  .command('list')
  .description('what each exception did, from history and running Lanner, and what is to be mended')
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .option(
    '--severe <severity>',
    'remark where a finding of this severity or above was hidden or lowered',
    'high',
  )
  .option('--soon-days <count>', 'remark on what expires within so many days', '14')
  .option('--strict', 'end with 1 where one has expired or hides what it should not', false)
  .option('--json', 'for tools', false)
  .action(async (options: import('./commands/exceptions-list.ts').ExceptionsListFlags) => {
    const { exceptionsList } = await import('./commands/exceptions-list.ts');
    finish(await exceptionsList(options));
  });
exceptions
  .command('proposals')
  .description('what new images did at first (learning), as exceptions to look at; none is applied by itself')
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .option('--expires-days <count>', 'when the exceptions stop', '90')
  .option('--owner <name>', 'who answers for them')
  .option('--apply <file>', 'write them to this file of exceptions')
  .option('--json', 'for tools', false)
  .action(async (options: import('./commands/exception-proposals.ts').ProposalFlags) => {
    const { exceptionProposals } = await import('./commands/exception-proposals.ts');
    finish(await exceptionProposals(options));
  });
exceptions
  .command('presets')
  .description('exceptions for common images that come with Lanner; with names, as they are written')
  .argument('[names...]', 'names of presets')
  .option('--json', 'for tools', false)
  .action(async (names: string[], options: { json: boolean }) => {
    const { exceptionPresets } = await import('./commands/exception-presets.ts');
    finish(exceptionPresets(names, options));
  });

const spool = program.command('spool').description('deliveries that wait, and those that were given up');
for (const [action, description] of [
  ['list', 'what waits, and the dead letters'],
  ['show', 'the payload of one delivery'],
  ['retry', 'dead letters wait again'],
  ['drop', 'takes deliveries away for good'],
] as const) {
  spool
    .command(action)
    .description(description)
    .argument('[ids...]', 'ids of deliveries')
    .requiredOption('-c, --config <file>', 'configuration file (YAML)')
    .option('--json', 'as JSON', false)
    .option('--limit <count>', 'at most so many', '50')
    .option('--all', 'retry, drop: all dead letters', false)
    .option('--sink <name>', 'with --all: of this sink')
    .action(
      async (
        ids: string[],
        options: { config: string; json: boolean; limit: string; all: boolean; sink?: string },
      ) => {
        const { spoolCommand } = await import('./commands/spool.ts');
        finish(await spoolCommand(action, ids, { ...options, limit: Number(options.limit) }));
      },
    );
}

const sink = program.command('sink').description('the destinations of findings');
sink
  .command('test')
  .description('sends a finding marked as a test and shows request, answer, timing and what a person sees')
  .argument('<name>', 'name of the sink in the configuration')
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .option('--json', 'for tools', false)
  .action(async (name: string, options: { config: string; json: boolean }) => {
    const { sinkTest } = await import('./commands/sink-test.ts');
    finish(await sinkTest(name, options.config, options.json));
  });
sink
  .command('unblock')
  .description('a sink that was parked, disabled, paused or broken is asked again at once')
  .argument('<name>', 'name of the sink in the configuration')
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .option('--json', 'for tools', false)
  .action(async (name: string, options: { config: string; json: boolean }) => {
    const { sinkUnblock } = await import('./commands/sink-unblock.ts');
    finish(await sinkUnblock(name, options.config, options.json));
  });

program
  .command('routes')
  .description('which finding goes to which sinks')
  .command('test')
  .description('the routes and sinks a finding takes, and why')
  .argument('[file]', 'findings as JSON; - for standard input; without it, an example')
  .requiredOption('-c, --config <file>', 'configuration file (YAML)')
  .option(
    '--set <path=value>',
    'change the finding, such as exec.pod.namespace=prod',
    (one: string, all: string[]) => [...all, one],
    [] as string[],
  )
  .option('--expect <sinks>', 'fail unless exactly these are taken: a,b or none')
  .option('--json', 'a line for each finding, for tools', false)
  .action(async (file: string | undefined, options: import('./commands/routes-test.ts').RoutesTestFlags) => {
    const { routesTest } = await import('./commands/routes-test.ts');
    finish(routesTest(file, options));
  });

program
  .command('completion')
  .description('a script that completes commands, options and files: source <(lanner completion bash)')
  .addArgument(new Argument('<shell>', 'the shell that reads it').choices(['bash', 'zsh', 'fish']))
  .action(async (shell: 'bash' | 'zsh' | 'fish') => {
    const { completionScript } = await import('./commands/completion.ts');
    process.stdout.write(completionScript(program, shell));
  });

/** How a command line stands for an exec. */
function withExec(command: Command): Command {
  return command
    .option('--command <line>', 'a command line instead of a file')
    .option('--binary <path>', 'with --command: the executed file')
    .option('--image <reference>', 'with --command: the image')
    .option('--parent <line...>', 'with --command: command lines of the ancestors, nearest first')
    .option('--cwd <path>', 'with --command: the working directory')
    .option('--exec', 'with --command: entered from outside (kubectl exec)')
    .option('--probe', 'with --command: an exec probe of the container');
}

/** Which findings are asked for. */
function withFilters(command: Command): Command {
  return command
    .option('--severity <which>', 'one or several: high, "high,critical", ">=medium"')
    .option('--tool <id>', 'canonical id of the tool')
    .option('--image <reference>', 'reference, repository or digest; * stands for anything')
    .option('--namespace <name>', 'namespace of the pod')
    .option('--workload <name>', 'workload of the pod')
    .option('--indicator <id>', 'an indicator that fired')
    .option('--exception <name>', 'an exception that applied')
    .option('--hidden', 'only what an exception hid')
    .option('--told', 'only what no exception hid');
}

function finish(code: number): void {
  process.exitCode = code;
}

// Whoever reads our output may stop reading: that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
});

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) finish(error.exitCode === 0 ? 0 : exitCodes.usage.code);
  else if (error instanceof LannerError) {
    process.stderr.write(`${error.message}\n${error.mend} [${error.code}]\n`);
    finish(exitCodeOf(error.code));
  } else {
    process.stderr.write(
      `this is a bug in Lanner: ${error instanceof Error ? error.stack : messageOf(error)}\n`,
    );
    finish(exitCodes.internal.code);
  }
});
