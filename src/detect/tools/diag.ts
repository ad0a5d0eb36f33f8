import type { Tool } from './types.ts';

/** Everyday diagnosis: never a finding by itself, only below a server. */
export const diagTools: readonly Tool[] = [
  {
    id: 'ping',
    category: 'diag',
    names: ['ping', 'ping6', 'ping4', 'oping', 'tcping', 'httping'],
    packages: ['iputils-ping', 'iputils', 'inetutils-ping'],
  },
  {
    id: 'traceroute',
    category: 'diag',
    names: ['traceroute', 'traceroute6', 'traceroute.db', 'tcptraceroute', 'lft'],
    packages: ['traceroute'],
  },
  { id: 'tracepath', category: 'diag', names: ['tracepath', 'tracepath6'], packages: ['iputils-tracepath'] },
  { id: 'mtr', category: 'diag', names: ['mtr', 'mtr-packet', 'trip'], packages: ['mtr', 'mtr-tiny'] },
  { id: 'ss', category: 'diag', names: ['ss'], packages: ['iproute2', 'iproute'], mitre: ['T1049'] },
  { id: 'netstat', category: 'diag', names: ['netstat'], packages: ['net-tools'], mitre: ['T1049'] },
  { id: 'ip', category: 'diag', names: ['ip'], packages: ['iproute2', 'iproute'], mitre: ['T1016'] },
  { id: 'ifconfig', category: 'diag', names: ['ifconfig'], packages: ['net-tools'], mitre: ['T1016'] },
  { id: 'route', category: 'diag', names: ['route'], packages: ['net-tools'], mitre: ['T1016'] },
  { id: 'arp', category: 'diag', names: ['arp'], packages: ['net-tools'], mitre: ['T1016', 'T1018'] },
  { id: 'ethtool', category: 'diag', names: ['ethtool'], packages: ['ethtool'], mitre: ['T1016'] },
  {
    id: 'iperf3',
    category: 'diag',
    names: ['iperf3', 'iperf', 'netperf', 'netserver', 'nuttcp', 'qperf'],
    packages: ['iperf3', 'iperf'],
  },
];
