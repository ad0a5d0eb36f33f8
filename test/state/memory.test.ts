import { describe, expect, it } from 'vitest';
import { openChains } from '../../src/state/chains.ts';
import { RecentExecs } from '../../src/state/recent.ts';
import { seenBefore } from '../../src/state/seen.ts';
import { execEvent } from '../support/events.ts';

describe('what was seen before', () => {
  it('counts the pair of arguments and parent, not each for itself', () => {
    const seen = seenBefore();
    const under = (parent: string, command: string) =>
      seen.count(execEvent(command, { above: [[2, parent]] }), 1);
    expect(under('/bin/probe', 'curl a')).toBe(0);
    expect(under('/bin/probe', 'curl a')).toBe(1);
    expect(under('/bin/shell', 'curl b')).toBe(0);
    expect(under('/bin/shell', 'curl a')).toBe(0);
    expect(under('/bin/probe', 'curl b')).toBe(0);
    expect(under('/bin/probe', 'curl a')).toBe(2);
  });

  it('does not mix containers', () => {
    const seen = seenBefore();
    seen.count(execEvent('curl a', { container: 'a' }), 1);
    expect(seen.count(execEvent('curl a', { container: 'b' }), 1)).toBe(0);
  });

  it('forgets after its time, counted from the last sight, and keeps its bound', () => {
    const seen = seenBefore({ ttlSeconds: 100, maxEntries: 10 });
    expect([1, 90, 180, 300].map((seconds) => seen.count(execEvent('curl a'), seconds))).toEqual([
      0, 1, 2, 0,
    ]);
    for (let i = 0; i < 100; i += 1) seen.count(execEvent(`curl ${i}`), 300);
    expect(seen.size).toBe(10);
  });
});

describe('download, chmod, exec', () => {
  const start = () => {
    const chains = openChains();
    const download = execEvent('curl -o /tmp/x http://h/x');
    chains.downloaded(download, { peers: [], downloads: [{ path: '/tmp/x' }] }, 100);
    return chains;
  };

  it('is recognised at the exec of the downloaded file', () => {
    const chains = start();
    expect(chains.before(execEvent('/bin/chmod +x /tmp/x'), 101)).toBeUndefined();
    const steps = chains.before(execEvent('/tmp/x --go'), 102);
    expect(steps?.map((one) => one.step)).toEqual(['download', 'chmod']);
    expect(steps?.[0]).toMatchObject({ path: '/tmp/x', text: 'curl -o /tmp/x http://h/x' });
  });

  it('is recognised when an interpreter or loader is given the file', () => {
    expect(
      start()
        .before(execEvent('/bin/sh /tmp/x'), 102)
        ?.map((one) => one.step),
    ).toEqual(['download']);
    expect(start().before(execEvent('/bin/sh ./x', { cwd: '/tmp' }), 102)).toHaveLength(1);
    expect(start().before(execEvent('/tmp/../tmp/./x'), 102)).toHaveLength(1);
  });

  it.each([
    ['another file', execEvent('/tmp/y'), 102],
    ['another container', execEvent('/tmp/x', { container: 'd' }), 102],
    ['long after', execEvent('/tmp/x'), 500],
  ])('is not seen in the exec of %s', (_what, event, seconds) => {
    expect(start().before(event, seconds)).toBeUndefined();
  });

  it('widens the early test by chmod and the downloaded name, and only while it waits', () => {
    const none = { path: () => false, text: () => false, exec: () => false };
    const asks = (chains: ReturnType<typeof openChains>, path: string) =>
      chains.widen(none).path(Buffer.from(path), 0, path.length);
    expect(asks(openChains(), '/bin/chmod')).toBe(false);
    expect(asks(start(), '/bin/chmod')).toBe(true);
    expect(asks(start(), '/tmp/x')).toBe(true);
    expect(asks(start(), '/usr/bin/ls')).toBe(false);
  });

  it('keeps its bound', () => {
    const chains = openChains({ maxPaths: 5 });
    for (let i = 0; i < 50; i += 1)
      chains.downloaded(execEvent('curl'), { peers: [], downloads: [{ path: `/tmp/${i}` }] }, 100);
    expect(chains.before(execEvent('/tmp/0'), 100)).toBeUndefined();
    expect(chains.before(execEvent('/tmp/49'), 100)).toHaveLength(1);
  });
});

describe('recent execs', () => {
  const id = (letter: string) => letter.repeat(64);
  function put(recent: RecentExecs, container: string, seconds: number, binary: string, args = '', pid = 7) {
    const bytes = Buffer.from(container + binary + args);
    const [a, b] = [container.length, container.length + binary.length];
    recent.exec(bytes, 0, a, seconds, pid, a, b, b, bytes.length);
  }

  it('are given back in the order of their time, within a window', () => {
    const recent = new RecentExecs();
    put(recent, id('a'), 100, '/bin/late', 'x');
    put(recent, id('a'), 50, '/bin/early');
    put(recent, id('a'), 5, '/bin/old');
    put(recent, id('b'), 60, '/bin/other');
    expect(recent.around(id('a'), 10, 100, 10)).toEqual([
      { time: '1970-01-01T00:00:50.000000000Z', kind: 'exec', text: '/bin/early', pid: 7 },
      { time: '1970-01-01T00:01:40.000000000Z', kind: 'exec', text: '/bin/late x', pid: 7 },
    ]);
    expect(recent.around(id('a'), 10, 100, 1).map((one) => one.text)).toEqual(['/bin/late x']);
  });

  it('know a container by ids of any length', () => {
    const recent = new RecentExecs();
    put(recent, '6403692adba925e22d4868e96c7c02c', 1, '/bin/a');
    recent.alert({
      time: '1970-01-01T00:00:02Z',
      source: 'f',
      container_id: '6403692adba9',
      rule: 'Shell',
      priority: 'Notice',
      output: 'a shell',
    });
    const full = `6403692adba925e22d4868e96c7c02c${'0'.repeat(33)}`;
    expect(recent.around(full, 0, 10, 10).map((one) => one.text)).toEqual(['/bin/a', 'a shell']);
    expect(recent.around(full, 0, 10, 10)[1]).toMatchObject({ kind: 'alert', rule: 'Shell' });
    expect(recent.around('6403692adba8', 0, 10, 10)).toEqual([]);
  });

  it('keep the newest of each container, and the containers that were last active', () => {
    const recent = new RecentExecs({ containers: 2, slots: 3 });
    for (let i = 0; i < 10; i += 1) put(recent, id('a'), i, `/bin/${i}`);
    expect(recent.around(id('a'), 0, 99, 9).map((one) => one.text)).toEqual(['/bin/7', '/bin/8', '/bin/9']);
    put(recent, id('b'), 20, '/bin/b');
    put(recent, id('a'), 21, '/bin/a');
    put(recent, id('c'), 22, '/bin/c');
    expect(recent.around(id('b'), 0, 99, 9)).toEqual([]);
    expect(recent.around(id('a'), 0, 99, 9)).toHaveLength(3);
    expect(recent.around(id('c'), 0, 99, 9).map((one) => one.text)).toEqual(['/bin/c']);
  });

  it('cut what is too long, and never read beyond a slot', () => {
    const recent = new RecentExecs({ slotBytes: 64 });
    put(recent, id('a'), 1, '/bin/x', 'y'.repeat(500));
    put(recent, id('a'), 2, `/${'z'.repeat(500)}`, 'args');
    const [first, second] = recent.around(id('a'), 0, 9, 9);
    expect(first?.text).toBe(`/bin/x ${'y'.repeat(41)}`);
    expect(second?.text).toBe(`/${'z'.repeat(46)}`);
  });
});
