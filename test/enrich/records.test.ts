import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Records, viewOf } from '../../src/enrich/records.ts';
import type { Facts } from '../../src/enrich/source.ts';

const id = (start: string) => start.padEnd(64, '0');

function facts(start: string, more: Partial<Facts> = {}): Facts {
  return { id: id(start), from: 'cri', container: { name: start }, ...more };
}

function make(max = 100, gone_ms = 1000) {
  let time = 0;
  const records = new Records({ max, gone_ms, now: () => time });
  return { records, pass: (ms: number) => (time += ms) };
}

function nameOf(found: ReturnType<Records['find']>): unknown {
  return found === undefined || found === 'ambiguous' ? found : viewOf(found).container.name;
}

describe('ids', () => {
  it.each([12, 15, 31, 64, 20])('answers the first %d characters', (length) => {
    const { records } = make();
    records.learn('cri', facts('abc'));
    expect(nameOf(records.find(id('abc').slice(0, length)))).toBe('abc');
  });

  it('never guesses between two that begin alike', () => {
    const { records } = make();
    records.learn('cri', facts(`${'a'.repeat(12)}1`));
    records.learn('cri', facts(`${'a'.repeat(12)}2`));
    expect(records.find('a'.repeat(12))).toBe('ambiguous');
    expect(nameOf(records.find(`${'a'.repeat(12)}1`.padEnd(15, '0')))).toBe(`${'a'.repeat(12)}1`);
  });

  it('answers again once only one of the two is remembered', () => {
    const { records, pass } = make();
    const first = facts(`${'a'.repeat(12)}1`);
    records.learn('cri', first);
    records.learn('cri', facts(`${'a'.repeat(12)}2`));
    records.end(first.id);
    pass(1001);
    expect(nameOf(records.find('a'.repeat(12)))).toBe(`${'a'.repeat(12)}2`);
  });

  it('finds exactly what begins so, whatever the lengths asked for', () => {
    const hexId = fc.stringMatching(/^[ab]{64}$/);
    fc.assert(
      fc.property(
        fc.uniqueArray(hexId, { maxLength: 8 }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 8, max: 64 })), { maxLength: 30 }),
        (ids, questions) => {
          const { records } = make();
          for (const one of ids) records.learn('cri', { id: one, from: 'cri', container: { name: one } });
          for (const [at, length] of questions) {
            const prefix = (ids[at % ids.length] ?? 'ab'.repeat(32)).slice(0, length);
            const same = ids.filter((one) => one.startsWith(prefix));
            expect(nameOf(records.find(prefix))).toBe(same.length > 1 ? 'ambiguous' : same[0]);
          }
        },
      ),
    );
  });
});

describe('what is gone', () => {
  it('is remembered for its time and no longer', () => {
    const { records, pass } = make();
    records.learn('cri', facts('abc'));
    records.end(id('abc'));
    pass(999);
    expect(records.find(id('abc'))).toMatchObject({ id: id('abc') });
    pass(2);
    expect(records.find(id('abc'))).toBeUndefined();
  });

  it('stays if it runs again', () => {
    const { records, pass } = make();
    records.learn('cri', facts('abc'));
    records.end(id('abc'));
    records.revive(id('abc'));
    pass(5000);
    expect(records.find(id('abc'))).toMatchObject({ id: id('abc') });
  });
});

describe('the bound', () => {
  it('forgets the least recently used, with its short ids', () => {
    const { records } = make(16);
    for (let at = 0; at < 40; at += 1) records.learn('cri', facts(`c${String(at).padStart(11, '0')}`));
    expect(records.size).toBe(16);
    expect(records.find('c00000000000')).toBeUndefined();
    expect(nameOf(records.find('c00000000039'))).toBe('c00000000039');
  });
});

describe('drift', () => {
  const image = (digest: string, tag = '1') => ({
    repository: 'reg.local/a',
    tag,
    digest: `sha256:${digest}`,
    mutable_tag: false,
  });
  const other = (records: Records, start: string) => {
    const record = records.find(id(start));
    return record === undefined || record === 'ambiguous' ? undefined : records.otherDigests(record);
  };

  it('names the other digests that run under the tag', () => {
    const { records } = make();
    records.learn('cri', facts('a', { image: image('1') }));
    records.learn('cri', facts('b', { image: image('2') }));
    expect(other(records, 'a')).toEqual(['sha256:2']);
    expect(other(records, 'b')).toEqual(['sha256:1']);
  });

  it.each([
    ['the same digest', image('1')],
    ['another tag', image('2', '2')],
    ['another kind of digest', { repository: 'reg.local/a', tag: '1', config_digest: 'sha256:9' }],
  ])('is silent on %s', (_, second) => {
    const { records } = make();
    records.learn('cri', facts('a', { image: image('1') }));
    records.learn('cri', facts('b', { image: second }));
    expect(other(records, 'a')).toEqual([]);
  });

  it('does not count containers that have ended', () => {
    const { records } = make();
    records.learn('cri', facts('a', { image: image('1') }));
    records.learn('cri', facts('b', { image: image('2') }));
    records.end(id('b'));
    expect(other(records, 'a')).toEqual([]);
    expect(other(records, 'b')).toEqual(['sha256:1']);
  });

  it('takes no tag for latest', () => {
    const { records } = make();
    records.learn('cri', facts('a', { image: { ...image('1', 'latest'), mutable_tag: true } }));
    const { tag: _, ...untagged } = image('2');
    records.learn('cri', facts('b', { image: { ...untagged, mutable_tag: true } }));
    expect(other(records, 'a')).toEqual(['sha256:2']);
  });
});

describe('a runtime and Kubernetes together', () => {
  it('joins the container of one with the pod and the asked reference of the other', () => {
    const { records } = make();
    records.learn('cri', {
      ...facts('a'),
      container: {
        name: 'web',
        runtime: 'containerd',
        mounts: [{ destination: '/w', type: 'bind', source: '/x' }],
      },
      image: { reference: 'r/a:1', repository: 'r/a', tag: '1', config_digest: 'sha256:c', layers: 3 },
      pod: { namespace: 'n', name: 'p' },
      first: { pid: 7, argv: ['/e'] },
    });
    const record = records.learn('kubernetes', {
      ...facts('a'),
      from: 'kubernetes',
      container: {
        name: 'web',
        kind: 'container',
        mounts: [{ destination: '/w', type: 'emptyDir', name: 'w' }],
      },
      image: { reference: 'r/a:stable', repository: 'r/a', tag: 'stable', digest: 'sha256:d' },
      pod: { namespace: 'n', name: 'p', uid: 'u', labels: { app: 'x' } },
      node: 'node-1',
    });
    expect(viewOf(record)).toEqual({
      container: {
        id: id('a'),
        name: 'web',
        kind: 'container',
        runtime: 'containerd',
        mounts: [{ destination: '/w', type: 'emptyDir', source: '/x', name: 'w' }],
      },
      image: {
        reference: 'r/a:stable',
        repository: 'r/a',
        tag: 'stable',
        digest: 'sha256:d',
        config_digest: 'sha256:c',
        layers: 3,
      },
      pod: { namespace: 'n', name: 'p', uid: 'u', labels: { app: 'x' } },
      node: 'node-1',
      first: { pid: 7, argv: ['/e'] },
      podless: false,
    });
  });
});
