import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '../../src');

/** What each part may import from the others; every part may import itself and npm packages. */
const allowed: Record<string, string[]> = {
  lib: [],
  model: [],
  telemetry: ['model', 'lib'],
  detect: ['model', 'lib'],
  route: ['model', 'lib'],
  state: ['model', 'lib'],
  sources: ['model', 'lib', 'telemetry'],
  enrich: ['model', 'lib', 'telemetry'],
  deliver: ['model', 'lib', 'telemetry'],
  history: ['model', 'lib', 'telemetry'],
  canary: ['model', 'lib', 'telemetry'],
  http: ['model', 'lib', 'telemetry'],
  'pipeline.ts': ['model', 'lib', 'telemetry', 'state'],
  'config.ts': [
    'model',
    'lib',
    'telemetry',
    'sources',
    'enrich',
    'detect',
    'state',
    'route',
    'deliver',
    'history',
    'canary',
    'http',
    'presets.ts',
  ],
  'presets.ts': ['lib', 'route'],
  'version.ts': [],
  service: ['*'],
  'main.ts': ['commands', 'lib', 'version.ts'],
  // What loads the bundle: it stands alone.
  'start.ts': ['young-generation.ts'],
  'young-generation.ts': [],
  commands: ['*'],
};
/** Judging is pure: no clock, no chance, no I/O. */
const pure = ['detect', 'route', 'state'];

interface Import {
  from: string;
  to: string;
  typeOnly: boolean;
}

const statement =
  /(?:^|\n)(?:import|export)\s+(type\s)?[^;'"]*?from\s+'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;
const files = readdirSync(root, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith('.ts'));
const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(statement)].map((match) => {
    const target = match[2] ?? match[3] ?? match[4] ?? '';
    return {
      from: file,
      to: target.startsWith('.') ? relative(root, join(root, dirname(file), target)) : target,
      typeOnly: match[1] !== undefined,
    };
  });
});
const part = (path: string) => (path.includes('/') ? path.split('/')[0]! : path);
const ours = imports.filter(({ to }) => to.endsWith('.ts'));

describe('who may import whom', () => {
  it('knows every part of the tree', () => {
    expect([...new Set(files.map(part))].filter((one) => allowed[one] === undefined)).toEqual([]);
  });

  it('is kept by every file', () => {
    const broken = ours.filter(({ from, to }) => {
      const may = allowed[part(from)]!;
      return part(from) !== part(to) && !may.includes('*') && !may.includes(part(to));
    });
    expect(broken.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it('leaves detect, route and state without Node, clock and chance', () => {
    const broken = imports
      .filter(({ from, to }) => pure.includes(part(from)) && (to.startsWith('node:') || to === 'winston'))
      .map(({ from, to }) => `${from} imports ${to}`);
    for (const file of files.filter((one) => pure.includes(part(one)))) {
      const text = readFileSync(join(root, file), 'utf8');
      const found = /Date\.now\(|new Date\(\)|Math\.random|performance\.now|process\.(env|hrtime)/.exec(text);
      if (found !== null) broken.push(`${file} uses ${found[0]}`);
    }
    expect(broken).toEqual([]);
  });

  it('has no cycles', () => {
    const edges = new Map<string, string[]>();
    for (const { from, to, typeOnly } of ours)
      if (!typeOnly) edges.set(from, [...(edges.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, path: string[]) => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      if (done.has(file) || path.includes(file)) return;
      for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it('names every dependency that is used, and uses every one that is named', () => {
    const manifest = JSON.parse(readFileSync(join(root, '../package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const packages = imports
      .map(({ to }) => to)
      .filter((to) => !to.startsWith('node:') && !to.endsWith('.ts'))
      .map((to) =>
        to
          .split('/')
          .slice(0, to.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    expect([...new Set(packages)].sort()).toEqual(Object.keys(manifest.dependencies).sort());
  });
});
