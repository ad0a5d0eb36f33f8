import { describe, expect, it } from 'vitest';
import type { FindingPeer } from '../../src/model/finding.ts';
import { compileExceptionMatch, type ExceptionMatch } from '../../src/route/exceptions-match.ts';
import { aFinding } from '../support/finding.ts';

const local: FindingPeer = { role: 'connect', class: 'loopback', host: '127.0.0.1', port: '9200' };
const inside: FindingPeer = { role: 'connect', class: 'internal', host: '10.1.2.3', port: '443' };
const outside: FindingPeer = { role: 'connect', class: 'public_name', host: 'evil.example' };
const six: FindingPeer = { role: 'connect', class: 'internal', host: 'fd00::1' };
const socket: FindingPeer = { role: 'connect', class: 'unix', path: '/run/app.sock' };
const asked: FindingPeer = { role: 'query', class: 'public_name', host: 'a.example' };
const hidden: FindingPeer = { role: 'connect', class: 'unknown' };

function decide(match: ExceptionMatch, peers: FindingPeer[] | undefined) {
  const { peers: _none, ...finding } = aFinding();
  return compileExceptionMatch(match)({ ...finding, ...(peers !== undefined && { peers }) }).is;
}

describe('whom a tool talks to', () => {
  it.each([
    [{ peer_class: 'loopback' }, [local], 'yes'],
    [{ peer_class: 'loopback' }, [inside], 'no'],
    [{ peer_class: 'loopback' }, [local, outside], 'no'],
    [{ peer_class: ['loopback', 'internal'] }, [local, inside], 'yes'],
    [{ peer_class: '!public_name' }, [local, inside], 'yes'],
    [{ peer_class: '!public_name' }, [local, outside], 'no'],
    [{ peer_class: 'loopback' }, [], 'no'],
    [{ peer_class: 'loopback' }, undefined, 'unknown'],
    [{ peer_class: 'loopback' }, [local, hidden], 'unknown'],
    [{ peer_class: '!public_name' }, [local, hidden], 'unknown'],
    [{ peer_class: 'loopback' }, [outside, hidden], 'no'],
    [{ peer_class: ['loopback', 'unknown'] }, [local, hidden], 'yes'],
    [{ peer: '127.0.0.1' }, [local], 'yes'],
    [{ peer: '*.EXAMPLE' }, [outside], 'yes'],
    [{ peer: '*.example' }, [outside, local], 'no'],
    [{ peer: ['*.example', '127.0.0.0/8'] }, [outside, local], 'yes'],
    [{ peer: '10.0.0.0/8' }, [inside], 'yes'],
    [{ peer: '10.2.0.0/15' }, [inside], 'no'],
    [{ peer: '10.1.2.3/32' }, [inside], 'yes'],
    [{ peer: '0.0.0.0/0' }, [outside], 'no'],
    [{ peer: '0.0.0.0/0' }, [six], 'no'],
    [{ peer: 'fd00::/8' }, [six], 'yes'],
    [{ peer: 'fe80::/10' }, [six], 'no'],
    [{ peer: '10.0.0.0/8' }, [inside, hidden], 'unknown'],
    [{ peer: '/run/app.sock' }, [socket], 'yes'],
    [{ peer: '/run/other.sock' }, [socket], 'no'],
    [{ peer_port: 9200 }, [local], 'yes'],
    [{ peer_port: '>=1024' }, [inside], 'no'],
    [{ peer_port: 443 }, [inside, six], 'unknown'],
    [{ peer_role: 'connect' }, [local, inside], 'yes'],
    [{ peer_role: 'connect' }, [local, asked], 'no'],
    [{ peer_class: 'loopback', peer_port: 9200 }, [local], 'yes'],
    [{ peer_class: 'loopback', peer_port: 5432 }, [local], 'no'],
  ] as [ExceptionMatch, FindingPeer[] | undefined, string][])('%j of %j: %s', (match, peers, is) => {
    expect(decide(match, peers)).toBe(is);
  });

  it.each([
    [{ peer_class: 'lopback' }, /there is no peer_class "lopback"\. Known: loopback, any, internal/],
    [{ peer_role: 'server' }, /there is no peer_role "server"/],
    [{ peer: '10.0.0.0/33' }, /is no range of addresses/],
    [{ peer: 'example/8' }, /is no range of addresses/],
    [{ peer: '10.*' }, /fits names too/],
    [{ peer_class: [] }, /empty list/],
  ] as [ExceptionMatch, RegExp][])('%j is refused', (match, message) => {
    expect(() => compileExceptionMatch(match)).toThrow(message);
  });
});
