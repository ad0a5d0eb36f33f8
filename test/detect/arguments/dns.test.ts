import { describe, expect, it } from 'vitest';
import { parse, peersOf } from './support.ts';

function queries(tool: string, line: string): string[] {
  return parse(tool, line).queries.map(
    (query) => `${query.type} ${query.name}${query.data_driven ? ' ?' : ''}`,
  );
}

describe('what DNS tools ask', () => {
  it.each([
    ['dig', '+short api.example.com', ['A api.example.com']],
    ['dig', '+short TXT _acme-challenge.x', ['TXT _acme-challenge.x']],
    ['dig', 'x.example txt', ['TXT x.example']],
    ['dig', '-t TXT x.example', ['TXT x.example']],
    ['dig', '-tTXT -q x.example', ['TXT x.example']],
    ['dig', 'axfr corp.example @10.0.0.2', ['AXFR corp.example']],
    ['dig', 'corp.example ixfr=12', ['IXFR corp.example']],
    ['dig', '+noall +answer SRV any.any.svc.cluster.local', ['SRV any.any.svc.cluster.local']],
    ['dig', 'a.example b.example mx', ['A a.example', 'MX b.example']],
    ['dig', '-x 10.0.0.1', ['PTR 10.0.0.1']],
    ['dig', 'IN any x.example', ['ANY x.example']],
    ['dig', '-f /tmp/l', ['A /tmp/l ?']],
    ['dig', '{}.d.example', ['A {}.d.example ?']],
    ['dig', '-p 5353 type16 x.example', ['TXT x.example']],
    ['kdig', '@10.0.0.1 +tls x.example null', ['NULL x.example']],
    ['drill', '-t x.example @10.0.0.1 TXT', ['TXT x.example']],
    ['dog', '-n 10.0.0.1 -t TXT x.example', ['TXT x.example']],
    ['doggo', 'x.example MX', ['MX x.example']],
    ['host', 'db.example.com', ['A db.example.com']],
    ['host', '-W 1 -R 1 -t TXT 4f6d2e91b7a3c8.x 127.0.0.1', ['TXT 4f6d2e91b7a3c8.x']],
    ['host', '-tTXT x', ['TXT x']],
    ['host', '-l corp.example 10.0.0.2', ['AXFR corp.example']],
    ['host', '-a corp.example', ['ANY corp.example']],
    ['nslookup', 'x.example', ['A x.example']],
    ['nslookup', '-type=TXT x.example', ['TXT x.example']],
    ['nslookup', '-q=txt x.example 10.0.0.1', ['TXT x.example']],
    ['nslookup', '-QueryType=any x.example', ['ANY x.example']],
    ['nslookup', '-timeout=1 -retry=0 x.example 127.0.0.1', ['A x.example']],
    ['nslookup', '-', ['A - ?']],
    ['nslookup', '$(id).x.example', ['A $(id).x.example ?']],
    ['getent', 'hosts a.example b.example', ['A a.example', 'A b.example']],
    ['getent', 'passwd root', []],
    ['resolvectl', 'query -t TXT x.example', ['TXT x.example']],
    ['resolvectl', 'status', []],
  ])('%s %s', (tool, line, expected) => {
    expect(queries(tool, line.replace(/^'|'$/g, ''))).toEqual(expected);
  });
});

describe('whom DNS tools ask', () => {
  it.each([
    ['dig', '@127.0.0.1 pi.hole', ['resolver loopback 127.0.0.1']],
    ['dig', '@203.0.113.9 x', ['resolver public_ip 203.0.113.9']],
    ['host', 'x 203.0.113.9', ['resolver public_ip 203.0.113.9']],
    ['nslookup', '-port=53 x 203.0.113.9', ['resolver public_ip 203.0.113.9 53']],
    ['dog', '-n 203.0.113.9 x', ['resolver public_ip 203.0.113.9']],
    ['dig', 'x', []],
  ])('%s %s', (tool, line, expected) => {
    expect(peersOf(parse(tool, line))).toEqual(expected);
  });
});

describe('DNS tools: nothing happens', () => {
  it.each([
    ['dig', '-v', 'version'],
    ['dig', '-h', 'help'],
    ['host', '-V', 'version'],
    ['host', '', 'no_operand'],
    ['nslookup', '', 'no_operand'],
    ['nslookup', '-version', 'version'],
    ['getent', 'passwd root', 'list'],
    ['getent', '', 'no_operand'],
    ['getent', 'hosts', 'list'],
    ['resolvectl', 'status', 'list'],
  ])('%s %s is %s', (tool, line, inert) => {
    expect(parse(tool, line).inert).toBe(inert);
  });
  it('a batch file hides the names', () => {
    expect(parse('dig', '-f /tmp/l').hidden_targets).toEqual(['-f']);
    expect(parse('nsupdate', '/tmp/u').hidden_targets).toEqual(['/tmp/u']);
  });
  it('enumerators try many names', () => {
    expect(parse('dnsrecon', '-d corp.example -t axfr')).toMatchObject({
      sweep: { text: 'corp.example' },
      queries: [{ name: 'corp.example', type: 'AXFR' }],
    });
  });
});
