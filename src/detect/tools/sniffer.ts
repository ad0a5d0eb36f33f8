import type { Tool } from './types.ts';

/** Tools that read other processes' packets, or stand in the middle of connections. */
export const snifferTools: readonly Tool[] = [
  { id: 'tcpdump', category: 'sniffer', names: ['tcpdump', 'windump', 'netsniff-ng'], packages: ['tcpdump'] },
  {
    id: 'tshark',
    category: 'sniffer',
    names: ['tshark'],
    packages: ['tshark', 'wireshark-cli'],
  },
  {
    id: 'dumpcap',
    category: 'sniffer',
    names: ['dumpcap', 'wireshark', 'termshark', 'sharkd'],
    packages: ['wireshark-common'],
  },
  { id: 'ngrep', category: 'sniffer', names: ['ngrep'], packages: ['ngrep'] },
  {
    id: 'tcpflow',
    category: 'sniffer',
    names: [
      'tcpflow',
      'tcpick',
      'tcpxtract',
      'ssldump',
      'httpry',
      'urlsnarf',
      'driftnet',
      'pktcap',
      'sniffit',
    ],
  },
  {
    id: 'dsniff',
    category: 'sniffer',
    names: ['dsniff', 'arpspoof', 'dnsspoof', 'filesnarf', 'mailsnarf', 'webspy', 'sshmitm', 'webmitm'],
    mitre: ['T1557', 'T1040'],
  },
  {
    id: 'ettercap',
    category: 'sniffer',
    names: ['ettercap', 'etterlog', 'etterfilter'],
    mitre: ['T1557', 'T1040'],
  },
  { id: 'bettercap', category: 'sniffer', names: ['bettercap'], mitre: ['T1557', 'T1040'] },
  {
    id: 'mitmproxy',
    category: 'sniffer',
    names: ['mitmproxy', 'mitmdump', 'mitmweb', 'sslsplit', 'sslstrip'],
    mitre: ['T1557', 'T1040'],
  },
  {
    id: 'responder',
    category: 'sniffer',
    names: ['Responder.py', 'responder', 'mitm6'],
    mitre: ['T1557.001', 'T1040'],
  },
  {
    id: 'suricata',
    category: 'sniffer',
    names: ['suricata', 'zeek', 'bro', 'snort', 'snort3'],
  },
];
