/** The processes above, as far as they belong to the container. */
import type { Sensor } from '../model/exec-event.ts';
import type { Evidence, EvidenceAncestor, EvidenceProgram } from './evidence.ts';
import {
  buildPrograms,
  initPrograms,
  javaBuilders,
  javaJenkins,
  nodeBuilders,
  pythonServers,
  rubyServers,
  schedulerPrograms,
  serverPrograms,
} from './lists/processes.ts';
import { baseName, interpreterId, isRuntime, multiCallKind, shellName } from './names.ts';
import { scriptOf, shellStringOf } from './reading.ts';

export type Role = 'server' | 'build' | 'scheduler' | 'init' | 'shell' | 'wrapper' | 'other';

/** One ancestor inside the container. */
export interface AncestorView {
  program: EvidenceAncestor;
  /** Told in one indicator's evidence: a judgement below a server is never another exec's. */
  pid?: number;
  /** What it is called in `why`. */
  name: string;
  /** Every name it goes by: program, script, module. */
  names: readonly string[];
  role: Role;
  /** The script an interpreter or shell runs. */
  script?: string;
  /** The string of `sh -c`. */
  shell_string?: string;
  /** Jenkins, by its java arguments. */
  jenkins?: boolean;
}

/** The ancestors inside the container, nearest first; the first process outside ends the chain. */
export function containerChain(event: Pick<Evidence, 'ancestors' | 'sensor'>): AncestorView[] {
  const chain: AncestorView[] = [];
  for (const ancestor of event.ancestors) {
    if (ancestor.place === 'outside') break;
    if (ancestor.place === 'unknown' && runsContainers(ancestor)) break;
    chain.push(viewAncestor(ancestor, event.sensor));
  }
  return chain;
}

function runsContainers(program: EvidenceProgram): boolean {
  const name = baseName(program.binary ?? program.exe ?? program.argv[0] ?? '');
  return isRuntime(name) || (program.comm !== undefined && isRuntime(program.comm));
}

/** Reads what an ancestor is. */
export function viewAncestor(program: EvidenceAncestor & { pid?: number }, sensor: Sensor): AncestorView {
  const files = fileNames(program);
  const script = scriptOf(program);
  const text = shellStringOf(program, sensor);
  const names = script === undefined ? files : [...files, baseName(script)];
  const jenkins = files.includes('java') && javaJenkins.test(program.argv.join(' ').slice(0, 8192));
  return {
    program,
    name: baseName(program.binary ?? program.exe ?? program.argv[0] ?? program.comm ?? 'unknown'),
    names,
    role: roleOf(program, files, script),
    ...(program.pid === undefined ? {} : { pid: program.pid }),
    ...(script === undefined ? {} : { script }),
    ...(text === undefined ? {} : { shell_string: text }),
    ...(jenkins ? { jenkins } : {}),
  };
}

/** File names of the program itself; argv[0] only for titles such as `nginx: worker` and applets. */
function fileNames(program: EvidenceProgram): string[] {
  const names = new Set<string>();
  if (program.binary !== undefined) names.add(baseName(program.binary));
  if (program.exe !== undefined) names.add(baseName(program.exe));
  if (program.comm !== undefined) names.add(program.comm);
  const first = program.argv[0];
  if (first !== undefined) {
    const multi = [...names].some((name) => multiCallKind(name) !== undefined);
    if (names.size === 0 || multi) names.add(baseName(first));
    const title = /^([A-Za-z][\w.-]*):/.exec(first)?.[1];
    if (title !== undefined) names.add(title);
  }
  for (const name of [...names]) {
    const plain = name.replace(/-?[0-9][0-9.]*$/, '');
    if (plain !== '' && plain !== name) names.add(plain);
  }
  return [...names];
}

function roleOf(program: EvidenceProgram, files: readonly string[], script: string | undefined): Role {
  const scriptName = script === undefined ? undefined : baseName(script);
  const language = files.map((name) => interpreterId(name)).find((id) => id !== undefined);
  if (files.some((name) => schedulerPrograms.has(name))) return 'scheduler';
  if (files.includes('java')) return javaRole(program);
  if (language !== undefined) return languageRole(language, program, scriptName);
  if (files.some((name) => shellName(name) !== undefined)) {
    return scriptName !== undefined && buildPrograms.has(scriptName) ? 'build' : 'shell';
  }
  if (files.includes('entrypoint') && program.binary?.startsWith('/tekton/')) return 'build';
  if (files.includes('entrypoint') && program.exe?.startsWith('/tekton/')) return 'build';
  if (files.includes('dotnet')) return dotnetRole(program);
  if (files.some((name) => buildPrograms.has(name)) && !files.includes('executor')) return 'build';
  if (files.includes('executor')) return isKaniko(program) ? 'build' : 'other';
  if (files.some((name) => serverPrograms.has(name) || /^php-fpm/.test(name))) return 'server';
  if (files.some((name) => initPrograms.has(name))) return 'init';
  return 'other';
}

function isKaniko(program: EvidenceProgram): boolean {
  return /kaniko/.test(program.exe ?? program.binary ?? program.argv[0] ?? '');
}

function javaRole(program: EvidenceProgram): Role {
  const text = program.argv.slice(1).join(' ').slice(0, 16_384);
  if (javaBuilders.test(text)) return 'build';
  return 'server';
}

function dotnetRole(program: EvidenceProgram): Role {
  const word = program.argv.slice(1).find((argument) => !argument.startsWith('-'));
  if (word === undefined) return 'other';
  return /\.dll$/i.test(word) ? 'server' : 'build';
}

function languageRole(language: string, program: EvidenceProgram, script: string | undefined): Role {
  const module = moduleOf(program.argv);
  const named = module ?? script;
  if (language === 'php') return phpRole(program);
  if (named === undefined) return language === 'go' ? 'build' : 'other';
  const plain = named.replace(/\.(?:py|rb|js|mjs|cjs)$/, '');
  if (buildPrograms.has(named) || buildPrograms.has(plain)) return 'build';
  if (schedulerPrograms.has(plain)) return 'scheduler';
  if (language === 'python') return pythonRole(program, named, plain);
  if (language === 'ruby') return rubyServers.has(named) || rubyServers.has(plain) ? 'server' : 'other';
  if (language === 'perl') return serverPrograms.has(plain) ? 'server' : 'other';
  if (language === 'node') return nodeBuilders.has(named) || nodeBuilders.has(plain) ? 'build' : 'server';
  return language === 'go' ? 'build' : 'other';
}

function pythonRole(program: EvidenceProgram, named: string, plain: string): Role {
  if (pythonServers.has(named) || pythonServers.has(plain)) return 'server';
  if (pythonServers.has(named.split('.')[0]!)) return 'server';
  const serves = program.argv.some(
    (word) => word === 'runserver' || word === 'runserver_plus' || word === 'serve',
  );
  if (serves) return 'server';
  return named === 'setup.py' ? 'build' : 'other';
}

function phpRole(program: EvidenceProgram): Role {
  const words = program.argv.slice(1);
  if (
    words.includes('-S') ||
    words.some((word) => /^(?:serve|octane:start|swoole:http|server:run|server:start)$/.test(word))
  ) {
    return 'server';
  }
  return /^php-(?:fpm|cgi)/.test(baseName(program.exe ?? program.binary ?? program.argv[0] ?? ''))
    ? 'server'
    : 'other';
}

function moduleOf(argv: readonly string[]): string | undefined {
  const at = argv.findIndex((word, i) => i > 0 && /^-[A-Za-z]*m$/.test(word));
  return at > 0 && at <= 6 ? argv[at + 1] : undefined;
}
