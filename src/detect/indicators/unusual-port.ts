import { peerText } from '../phrases.ts';
import type { Indicator } from './types.ts';

/** Ports of services that people reach or test by hand, above the system ports. */
const SERVICE_PORTS = new Set(
  [
    1025, 1080, 1194, 1433, 1521, 1880, 1883, 2003, 2004, 2049, 2181, 2375, 2376, 2379, 2380, 3000, 3100,
    3128, 3268, 3269, 3306, 3389, 4000, 4200, 4222, 4317, 4318, 4369, 4566, 4646, 4840, 5000, 5001, 5044,
    5060, 5061, 5222, 5269, 5353, 5432, 5433, 5601, 5671, 5672, 5900, 5984, 5985, 6000, 6379, 6380, 6432,
    6443, 6514, 7000, 7077, 7474, 7687, 8000, 8001, 8008, 8009, 8080, 8081, 8082, 8083, 8086, 8088, 8090,
    8091, 8123, 8125, 8126, 8161, 8200, 8300, 8301, 8332, 8333, 8400, 8443, 8500, 8501, 8502, 8529, 8600,
    8883, 8888, 8983, 9000, 9042, 9080, 9090, 9091, 9092, 9093, 9094, 9100, 9115, 9160, 9200, 9300, 9411,
    9418, 9443, 10000, 10050, 10051, 10250, 10255, 11211, 11434, 15672, 15692, 16443, 18080, 19999, 25565,
    26257, 26379, 27017, 27018, 27019, 28015, 30303, 50000, 50051, 50070, 61613, 61616,
  ].map(String),
);

/** A raw connection to a port of no known service outside. */
export const unusualPort: Indicator = {
  id: 'unusual_port',
  points: 15,
  hard: false,
  mitre: ['T1571'],
  title: 'Raw connection to an unusual port outside',
  description:
    'netcat, telnet or /dev/tcp talks to a public peer on a port above 1023 that belongs to no common service. Asking whether a port answers (nc -z) does not count.',
  evaluate({ category, invocation, targets }) {
    if ((category !== 'netcat' && category !== 'shell_net') || invocation.probe_only) return undefined;
    const peer = targets.find(
      (entry) =>
        (entry.class === 'public_name' || entry.class === 'public_ip') &&
        /^\d{4,5}$/.test(entry.port ?? '') &&
        !SERVICE_PORTS.has(entry.port!),
    );
    return (
      peer && {
        evidence: peerText(peer),
        why: `it speaks raw to ${peerText(peer)}, a port of no common service`,
      }
    );
  },
  examples: {
    fires: [{ run: 'nc -w 1 host.example.com 4444' }, { run: 'telnet 203.0.113.9 31337' }],
    silent: [
      { run: 'nc -zv host.example.com 4444' },
      { run: 'nc host.example.com 443' },
      { run: 'nc db.shop.svc 4444' },
    ],
  },
};
