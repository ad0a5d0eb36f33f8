/** Execs in short form, turned into events: for the examples of indicators, and for command lines of operators. */
import { splitWords } from '../lib/split-words.ts';
import type { Ancestor, ExecEvent, Program } from '../model/exec-event.ts';
import type { Example } from './indicators/types.ts';

const CONTAINER = '8f14e45fceea167a5a36dedd4bea2543c2f1a0b9d7e6c5b4a392817065f4e3d2';

/** The event that an example describes. Programs without a path lie in /usr/bin; argv is exact. */
export function exampleEvent(example: Example): ExecEvent {
  const argv = splitWords(example.run);
  const binary = pathOf(argv[0] ?? '');
  const by = example.by ?? ['sh'];
  return {
    id: 'example',
    time: '2026-01-02T03:04:05.000000000Z',
    sensor: 'tetragon',
    source: 'example',
    container: {
      id: CONTAINER,
      name: 'app',
      ...(example.mounts === undefined ? {} : { mounts: example.mounts.map((mount) => ({ ...mount })) }),
    },
    image: { reference: example.image ?? 'registry.example/shop/orders-api:2.8.0' },
    pod: {
      namespace: 'shop',
      name: 'orders-api-0',
      workload: 'orders-api',
      workload_kind: example.workload_kind ?? 'Deployment',
    },
    process: {
      ...program(argv, binary, example.exe),
      ...(example.argv0 === undefined ? {} : { argv: [example.argv0, ...argv.slice(1)] }),
      ...(example.args_lost ? { argv_quality: 'lost' as const, facts: ['args_lost' as const] } : {}),
      cwd: example.cwd ?? '/',
      tty: example.tty ?? false,
      in_init_tree: example.in_init_tree ?? true,
      ...(example.exec_probe === undefined ? {} : { exec_probe: example.exec_probe }),
      ...(example.file === undefined ? {} : { file: example.file }),
    },
    ancestors: [...by.map(ancestor), outside()],
  };
}

function program(argv: string[], binary: string, exe?: string): Program {
  return { argv, argv_quality: 'exact', argv0_known: true, binary, exe: exe ?? binary };
}

function pathOf(word: string): string {
  return word.includes('/') ? word : `/usr/bin/${word}`;
}

function ancestor(line: string): Ancestor {
  const argv = splitWords(line);
  return { ...program(argv, pathOf(argv[0] ?? '')), place: 'container', from: 'sensor' };
}

function outside(): Ancestor {
  return {
    ...program(['runc', '--process', '/tmp/runc-process1'], '/usr/bin/runc'),
    place: 'outside',
    from: 'sensor',
  };
}
