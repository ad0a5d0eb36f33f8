import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageConfig, parts } from '../../deploy/image/app.mjs';

const dockerfile = readFileSync(join(import.meta.dirname, '../../deploy/image/Dockerfile'), 'utf8');
const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
const list = (instruction: string) =>
  JSON.parse(new RegExp(`^${instruction} (\\[.*\\])$`, 'm').exec(last)![1]!);

describe('the Dockerfile', () => {
  it('makes what the script makes', () => {
    expect(list('ENTRYPOINT')).toEqual(imageConfig.Entrypoint);
    expect(list('CMD')).toEqual(imageConfig.Cmd);
    expect(last).toContain(`\nUSER ${imageConfig.User}\n`);
    expect(['CMD', ...list('  CMD')]).toEqual(imageConfig.Healthcheck.Test);
    expect(last).toContain(`\nEXPOSE ${Object.keys(imageConfig.ExposedPorts)[0]!.split('/')[0]}\n`);
  });

  it('has the Node and the Debian of the script, and no shell in its last stage', () => {
    const major = parts.node.split('.')[0];
    const bases = [...dockerfile.matchAll(/^FROM (?:--platform=\S+ )?(\S+)/gm)].map((match) => match[1]!);
    expect(bases.filter((base) => base.includes('node'))).toHaveLength(3);
    for (const base of bases.filter((one) => one.includes('node'))) expect(base).toContain(`${major}-`);
    expect(bases.at(-1)).toBe(`gcr.io/distroless/nodejs${major}-debian12:nonroot`);
    expect(last).not.toMatch(/^RUN /m);
  });
});
