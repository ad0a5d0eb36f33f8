import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { cliReference } from '../../src/commands/reference/cli.ts';
import { configurationReference, configurationSchema } from '../../src/commands/reference/configuration.ts';
import { errorsReference } from '../../src/commands/reference/errors.ts';
import { exceptionsReference } from '../../src/commands/reference/exceptions.ts';
import { metricsReference } from '../../src/commands/reference/metrics.ts';
import { parseConfig } from '../../src/config.ts';
import { errorCodes } from '../../src/model/errors.ts';
import { openService, type Service } from '../../src/service/index.ts';
import { silentLog } from '../../src/telemetry/log.ts';
import { get } from '../support/lanner.ts';

const root = join(import.meta.dirname, '../..');
const written = (page: string) => readFileSync(join(root, 'deploy/reference', page), 'utf8');

async function help(args: string[]): Promise<string> {
  const main = join(root, 'dist/main.js');
  return (await promisify(execFile)(process.execPath, [main, ...args, '--help'])).stdout;
}

describe('the pages of deploy/reference', () => {
  it.each([
    ['configuration.md', configurationReference],
    ['configuration.schema.json', configurationSchema],
    ['metrics.md', metricsReference],
    ['errors.md', errorsReference],
    ['exceptions.md', exceptionsReference],
    ['cli.md', () => cliReference(help)],
  ])('%s is what `npm run generate` would write now', async (page, render) => {
    // A boolean: the difference of two long pages helps nobody.
    expect(written(page) === (await render()), 'stale: run npm run generate').toBe(true);
  });

  it('keep the number of cells in every row of a table', () => {
    for (const page of ['configuration.md', 'metrics.md', 'errors.md', 'exceptions.md']) {
      let width = 0;
      for (const line of written(page).split('\n')) {
        if (!line.startsWith('|')) width = 0;
        else {
          const cells = line.split(/(?<!\\)\|/).length;
          if (width === 0) width = cells;
          expect(cells, line.slice(0, 120)).toBe(width);
        }
      }
    }
  });
});

describe('configuration.md', () => {
  it('has a row for every key that is filled in by default', () => {
    const config = parseConfig('version: 1\nsources: {t: {type: tetragon}}\n', 'test');
    const page = written('configuration.md');
    const missing: string[] = [];
    const visit = (value: unknown, path: string) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        if (!page.includes(`\n| \`${path}\` |`)) missing.push(path);
        return;
      }
      for (const [key, one] of Object.entries(value)) visit(one, path === '' ? key : `${path}.${key}`);
    };
    const { sources, ...rest } = config;
    visit(rest, '');
    visit(sources.t, 'sources.<name>');
    // Empty maps have no key to look for.
    expect(missing).toEqual([]);
  });
});

describe('configuration.schema.json', () => {
  const schema = z.fromJSONSchema(
    JSON.parse(configurationSchema()) as Parameters<typeof z.fromJSONSchema>[0],
  );
  const accepts = (text: string) => schema.safeParse(parse(text)).success;

  it.each([
    'version: 1\nsources: {t: {type: tetragon}}',
    'version: 1\nsources: {f: {type: falco_http, path: "${FALCO_PATH}"}}\nhttp: {listen: "${LISTEN}", token: "${T}"}',
    'version: 1\nsources: {t: {type: tetragon}}\nsinks: {ops: {type: webhook, url: "https://example.com/x"}}',
    'version: 1\nsources: {t: {type: tetragon}}\npage_url: "${PAGE}"',
  ])('accepts %j', (text) => {
    expect(accepts(text)).toBe(true);
  });

  it.each([
    'version: 2\nsources: {t: {type: tetragon}}',
    'version: 1',
    'version: 1\nsources: {t: {type: tetragon, adress: x}}',
    'version: 1\nsources: {t: {type: tetragon}}\nhttp: {listen: nowhere}',
    'version: 1\nsources: {t: {type: tetragon}}\nlog: {level: loud}',
  ])('refuses %j', (text) => {
    expect(accepts(text)).toBe(false);
  });
});

describe('metrics.md', () => {
  let service: Service;
  let scraped: string;
  // Where the disk is used there are metrics of the history besides.
  const folder = mkdtempSync(join(tmpdir(), 'lanner-'));
  beforeAll(async () => {
    const config = parseConfig(
      `version: 1\nstate_dir: ${folder}\nhttp: {listen: "127.0.0.1:0"}\nsources: {f: {type: falco_http, listen: "127.0.0.1:0"}}\nsinks: {out: {type: webhook, url: "http://127.0.0.1:1"}}\n`,
      'test',
    );
    service = openService({
      config,
      version: '1',
      log: silentLog,
    });
    const { http } = await service.start();
    scraped = await get(`${http}/metrics`);
  });
  afterAll(async () => {
    await service.stop(0);
    rmSync(folder, { recursive: true });
  });

  const rows = () =>
    new Map(
      [...written('metrics.md').matchAll(/^\| `([a-z0-9_]+)` \| (\w+) \| ([^|]*) \| (.+) \|$/gm)].map(
        ([, name, type, labels]) => [
          name!,
          { type: type!, labels: [...labels!.matchAll(/`(\w+)`/g)].map((match) => match[1]!) },
        ],
      ),
    );

  it('has each metric of a running service, and no other, with its type', () => {
    const live = [...scraped.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    expect(live.length).toBeGreaterThan(60);
    expect([...rows()].map(([name, { type }]) => `${name} ${type}`).sort()).toEqual(live.sort());
  });

  it('names the labels that are exposed', () => {
    for (const [, series, labels] of scraped.matchAll(/^([a-z0-9_]+)\{([^}]*)\}/gm)) {
      const name = series!.replace(/_(bucket|sum|count)$/, '');
      const entry = rows().get(series!) ?? rows().get(name);
      for (const [, label] of labels!.matchAll(/(\w+)="/g))
        if (label !== 'le') expect(entry?.labels, `${series} ${label}`).toContain(label);
    }
  });
});

describe('errors.md', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts') && file !== 'model/errors.ts' && file !== 'commands/exit-codes.ts')
    .map((file) => readFileSync(join(root, 'src', file), 'utf8'));
  const known = Object.keys(errorCodes);

  it('has every code that is thrown or shown', () => {
    const used = sources.flatMap((text) => [
      ...[...text.matchAll(/new LannerError\(\s*'([a-z_]+)'/g)].map((match) => match[1]!),
      ...[...text.matchAll(/\bcode: '([a-z_]+)'/g)].map((match) => match[1]!),
    ]);
    expect(used.length).toBeGreaterThan(60);
    // zod's own word for an issue of a schema.
    expect([...new Set(used)].filter((code) => code !== 'custom' && !known.includes(code))).toEqual([]);
  });

  it('has no code that nothing throws or logs', () => {
    expect(known.filter((code) => !sources.some((text) => text.includes(`'${code}'`)))).toEqual([]);
  });
});
