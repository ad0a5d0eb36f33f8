import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { openService } from '../../src/service/index.ts';
import { silentLog } from '../../src/telemetry/log.ts';

const folder = join(import.meta.dirname, '../../deploy/config');
const env = { LANNER_WEBHOOK_URL: 'https://hooks.example/lanner', LANNER_FALCO_PATH: 'a-long-random-path' };

describe('the configurations of deploy/config', () => {
  it.each([
    ['tetragon.yaml', 'tetragon'],
    ['falco-grpc.yaml', 'falco_grpc'],
    ['falco-http.yaml', 'falco_http'],
  ])('%s is accepted as `lanner check` does, and reads %s', (file, type) => {
    const config = loadConfig(join(folder, file), env);
    expect(openService({ config, version: '1', log: silentLog }).sources[0]?.type).toBe(type);
  });

  it('are all tried here, and none works without its secrets', () => {
    expect(readdirSync(folder).sort()).toEqual(['falco-grpc.yaml', 'falco-http.yaml', 'tetragon.yaml']);
    for (const file of readdirSync(folder))
      expect(() => loadConfig(join(folder, file), {})).toThrow(/the environment has no LANNER_/);
  });
});
