import type { Category, CategoryEntry } from './types.ts';

/** Base points, techniques and responder's steps of each category. */
export const categoryEntries: Readonly<Record<Category, CategoryEntry>> = {
  dns: {
    id: 'dns',
    title: 'DNS query tool',
    points: 20,
    mitre: ['T1018', 'T1016'],
    next: [
      'List every query this pod sent around the time (CoreDNS or resolver log): long or encoded labels, many TXT or NULL queries, many names below one registered domain mean DNS exfiltration; put the labels together again to see what left.',
      'Find out who owns the queried domain and block it at the resolver if it is not yours.',
    ],
  },
  netcat: {
    id: 'netcat',
    title: 'raw connection tool',
    points: 25,
    mitre: ['T1095'],
    next: [
      'Treat it as a backdoor until shown otherwise: look at the connection table (peer, direction, bytes) and at the process on the other end of its pipe.',
      'If it listens, check through which Service, NodePort or host port it can be reached. Kill the whole process tree, not only this process.',
    ],
  },
  http: {
    id: 'http',
    title: 'HTTP client or ad-hoc server',
    points: 10,
    mitre: ['T1105', 'T1071.001'],
    next: [
      'Take what was downloaded out of the container and hash it; look whether it was executed (children of this process, later execs in the container).',
      'Look for persistence that such files bring: cron, rc files, ld.so.preload; look at CPU use for a miner.',
    ],
  },
  scanner: {
    id: 'scanner',
    title: 'network scanner',
    points: 45,
    mitre: ['T1046'],
    next: [
      'Write down the targets and which of them answered; check whether other pods or namespaces were scanned.',
      'Search the other workloads and nodes for the same tool.',
    ],
  },
  sniffer: {
    id: 'sniffer',
    title: 'packet capture tool',
    points: 40,
    mitre: ['T1040'],
    next: [
      'Find the capture file and who fetched it; list which credentials cross that network in clear text.',
      'Drop CAP_NET_RAW and hostNetwork from the workload if it does not need them.',
    ],
  },
  tunnel: {
    id: 'tunnel',
    title: 'tunnel or proxy',
    points: 45,
    mitre: ['T1572', 'T1090'],
    next: [
      "Save the tunnel's configuration and token; find its peer and which internal hosts were reached through it.",
      'Block egress to the peer.',
    ],
  },
  remote_shell: {
    id: 'remote_shell',
    title: 'remote shell',
    points: 20,
    mitre: ['T1021.004'],
    next: [
      'Find which host was entered, with which key or password, and whether the login worked (auth log of that host).',
      'Replace the key or password that lay in this container.',
    ],
  },
  file_transfer: {
    id: 'file_transfer',
    title: 'file transfer tool',
    points: 20,
    mitre: ['T1048', 'T1105'],
    next: [
      'Find which files left or arrived and how much (flow logs); classify the data and rotate the secrets in it.',
    ],
  },
  raw: {
    id: 'raw',
    title: 'raw packet tool',
    points: 45,
    mitre: ['T1498', 'T1046'],
    next: ['Look at the packet rate towards the target; drop CAP_NET_RAW from the workload.'],
  },
  diag: {
    id: 'diag',
    title: 'network diagnosis',
    points: 0,
    mitre: ['T1016', 'T1018'],
    next: ['See what else the same parent process started: local reconnaissance is rarely a single command.'],
  },
  shell_net: {
    id: 'shell_net',
    title: 'network redirection of a shell',
    points: 20,
    mitre: ['T1059.004', 'T1095'],
    next: ['Save the full command text, decode what is encoded in it, and hunt for it on other workloads.'],
  },
  interpreter_net: {
    id: 'interpreter_net',
    title: 'inline network code',
    points: 5,
    mitre: ['T1059.006', 'T1071'],
    next: ['Save the full command text, decode what is encoded in it, and hunt for it on other workloads.'],
  },
};
