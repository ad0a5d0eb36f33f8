import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { hidesCanary } from '../../src/sources/canary-sight.ts';

const sign = { binary: '/usr/local/bin/node', pattern: '^--version lanner-canary-[0-9a-f]{32}$' };
const why = (source: string) =>
  hidesCanary(parseConfig(`version: 1\nsources: {s: {${source}}}\n`, 'test').sources.s!, sign);

describe('a source', () => {
  it.each([
    'type: tetragon',
    'type: tetragon, address: "localhost:54321"',
    'type: tetragon, address: "[::1]:54321"',
    'type: tetragon, allow: [{namespace: [shop]}]',
    'type: tetragon, deny: [{binary_regex: ["/runc$"]}]',
    'type: tetragon, deny: [{health_check: true}]',
    'type: tetragon, deny: [{event_set: [PROCESS_EXIT], namespace: [""]}]',
    'type: tetragon, deny: [{namespace: [kube-system], arguments_regex: ["^-c "]}]',
    'type: tetragon, field_filters: [{fields: [process.cap]}]',
    'type: tetragon, field_filters: [{fields: [process.binary, process.arguments], action: INCLUDE}]',
    'type: falco_grpc',
    'type: falco_http',
  ])('with %s may report the canary', (source) => {
    expect(why(source)).toBeUndefined();
  });

  it.each([
    ['type: tetragon, address: "10.1.2.3:54321"', 'watches another host'],
    ['type: falco_grpc, address: "falco.example:5060"', 'watches another host'],
    [
      'type: tetragon, deny: [{health_check: true}, {namespace: [""]}]',
      'deny[1] may take it away (namespace)',
    ],
    ['type: tetragon, deny: [{pod_regex: ["^lanner"]}]', 'deny[0]'],
    ['type: tetragon, deny: [{container_id: ["^$"]}]', 'deny[0]'],
    ['type: tetragon, deny: [{binary_regex: ["/node$"]}]', 'deny[0]'],
    ['type: tetragon, deny: [{binary_regex: ["(?i)NODE"]}]', 'deny[0]'],
    ['type: tetragon, field_filters: [{fields: [process.arguments]}]', 'field_filters[0]'],
    ['type: tetragon, field_filters: [{fields: [process.binary], action: INCLUDE}]', 'field_filters[0]'],
    ['type: tetragon_file', 'export filters'],
  ])('with %s may not: %s', (source, reason) => {
    expect(why(source)).toContain(reason);
  });
});
