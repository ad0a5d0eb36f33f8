import type { Tool } from './types.ts';

/** Tools that make packets by hand. */
export const rawTools: readonly Tool[] = [
  { id: 'hping3', category: 'raw', names: ['hping3', 'hping', 'hping2'], packages: ['hping3', 'hping'] },
  {
    id: 'nping',
    category: 'raw',
    names: ['nping'],
    packages: ['nmap', 'nmap-nping'],
    mitre: ['T1046', 'T1498'],
  },
  {
    id: 'scapy',
    category: 'raw',
    names: ['scapy', 'scapy3'],
    modules: ['python:scapy'],
    packages: ['python3-scapy', 'scapy'],
  },
  {
    id: 'packit',
    category: 'raw',
    names: ['packit', 'nemesis', 'sendip', 'ostinato', 'trafgen', 'tcpreplay', 'packETH'],
  },
  {
    id: 'mausezahn',
    category: 'raw',
    names: ['mausezahn', 'mz'],
    packages: ['mz', 'netsniff-ng'],
    ambiguous: true,
  },
  {
    id: 'arping',
    category: 'raw',
    names: ['arping'],
    packages: ['arping', 'iputils-arping'],
    mitre: ['T1018'],
    points: 20,
  },
  {
    id: 't50',
    category: 'raw',
    names: ['t50', 'slowloris', 'slowhttptest', 'goldeneye', 'siege-ddos', 'mhddos'],
    mitre: ['T1498', 'T1499'],
  },
];
