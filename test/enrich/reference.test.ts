import { describe, expect, it } from 'vitest';
import { repoDigest } from '../../src/enrich/reference.ts';
import { isMutableTag, parseReference } from '../../src/model/image.ts';

const hex = 'a'.repeat(64);

describe('parseReference', () => {
  it.each([
    ['nginx', { registry: 'docker.io', repository: 'docker.io/library/nginx' }],
    ['nginx:1.25', { registry: 'docker.io', repository: 'docker.io/library/nginx', tag: '1.25' }],
    ['bitnami/redis', { registry: 'docker.io', repository: 'docker.io/bitnami/redis' }],
    ['docker.io/nginx', { registry: 'docker.io', repository: 'docker.io/library/nginx' }],
    ['localhost/a:b', { registry: 'localhost', repository: 'localhost/a', tag: 'b' }],
    ['reg.local:5000/a/b', { registry: 'reg.local:5000', repository: 'reg.local:5000/a/b' }],
    ['reg.local:5000/a/b:c', { registry: 'reg.local:5000', repository: 'reg.local:5000/a/b', tag: 'c' }],
    [`a/b@sha256:${hex}`, { registry: 'docker.io', repository: 'docker.io/a/b', digest: `sha256:${hex}` }],
    [
      `reg.local/a:1@sha256:${hex}`,
      { registry: 'reg.local', repository: 'reg.local/a', tag: '1', digest: `sha256:${hex}` },
    ],
    [
      `docker-pullable://reg.local/a@sha256:${hex}`,
      { registry: 'reg.local', repository: 'reg.local/a', digest: `sha256:${hex}` },
    ],
    [`docker://sha256:${hex}`, { config_digest: `sha256:${hex}` }],
    [`sha256:${hex}`, { config_digest: `sha256:${hex}` }],
    [hex, { config_digest: `sha256:${hex}` }],
    ['', {}],
    ['not an image', {}],
    ['a@b', { registry: 'docker.io', repository: 'docker.io/library/a' }],
  ])('takes %s apart', (text, parts) => {
    expect(parseReference(text)).toEqual(parts);
  });
});

describe('isMutableTag', () => {
  it.each([
    ['nginx', true],
    ['nginx:latest', true],
    ['nginx:1.25', false],
    [`nginx@sha256:${hex}`, false],
    [`nginx:latest@sha256:${hex}`, false],
    [`sha256:${hex}`, undefined],
  ])('%s: %s', (text, expected) => {
    expect(isMutableTag(parseReference(text))).toBe(expected);
  });
});

describe('repoDigest', () => {
  const a = `reg.local/a@sha256:${'a'.repeat(64)}`;
  const b = `reg.local/b@sha256:${'b'.repeat(64)}`;
  it('takes the one of the repository', () => {
    expect(repoDigest([a, b], 'reg.local/b')).toBe(`sha256:${'b'.repeat(64)}`);
  });
  it('takes the only one of another repository', () => {
    expect(repoDigest([a], 'reg.local/c')).toBe(`sha256:${'a'.repeat(64)}`);
  });
  it('does not choose among several of other repositories', () => {
    expect(repoDigest([a, b], 'reg.local/c')).toBeUndefined();
  });
  it('knows none where none is told', () => {
    expect(repoDigest([], 'reg.local/a')).toBeUndefined();
  });
});
