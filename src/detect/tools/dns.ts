import type { Tool } from './types.ts';

const BIND = ['bind-tools', 'bind9-dnsutils', 'dnsutils', 'bind-utils', 'bind9-host'] as const;
const ENUMERATION = ['T1590.002', 'T1018'] as const;

/** Tools that ask name servers. */
export const dnsTools: readonly Tool[] = [
  { id: 'nslookup', category: 'dns', names: ['nslookup'], packages: BIND },
  { id: 'dig', category: 'dns', names: ['dig'], packages: BIND },
  { id: 'host', category: 'dns', names: ['host'], packages: BIND },
  { id: 'delv', category: 'dns', names: ['delv'], packages: BIND },
  { id: 'mdig', category: 'dns', names: ['mdig'], packages: BIND },
  { id: 'nsupdate', category: 'dns', names: ['nsupdate'], packages: BIND },
  { id: 'drill', category: 'dns', names: ['drill'], packages: ['ldns-utils', 'ldnsutils', 'drill'] },
  { id: 'kdig', category: 'dns', names: ['kdig'], packages: ['knot-dnsutils', 'knot-utils'] },
  { id: 'khost', category: 'dns', names: ['khost'], packages: ['knot-dnsutils'] },
  { id: 'unbound-host', category: 'dns', names: ['unbound-host'] },
  { id: 'dog', category: 'dns', names: ['dog'], packages: ['dog'], ambiguous: true },
  { id: 'doggo', category: 'dns', names: ['doggo'] },
  { id: 'q', category: 'dns', names: ['q'], ambiguous: true },
  { id: 'dnslookup', category: 'dns', names: ['dnslookup'], grammar: 'doggo' },
  { id: 'zdns', category: 'dns', names: ['zdns'], points: 35, mitre: ENUMERATION },
  { id: 'dnsx', category: 'dns', names: ['dnsx'], points: 35, mitre: ENUMERATION },
  { id: 'massdns', category: 'dns', names: ['massdns'], points: 40, mitre: ENUMERATION },
  { id: 'puredns', category: 'dns', names: ['puredns'], points: 40, mitre: ENUMERATION },
  { id: 'shuffledns', category: 'dns', names: ['shuffledns'], points: 40, mitre: ENUMERATION },
  {
    id: 'adnshost',
    category: 'dns',
    names: ['adnshost', 'adnslogres', 'adnsresfilter'],
    packages: ['adns-tools'],
  },
  {
    id: 'dnsrecon',
    category: 'dns',
    names: ['dnsrecon', 'dnsrecon.py'],
    modules: ['python:dnsrecon'],
    points: 40,
    mitre: ENUMERATION,
  },
  { id: 'dnsenum', category: 'dns', names: ['dnsenum', 'dnsenum.pl'], points: 40, mitre: ENUMERATION },
  { id: 'fierce', category: 'dns', names: ['fierce', 'fierce.py'], points: 40, mitre: ENUMERATION },
  { id: 'dnsmap', category: 'dns', names: ['dnsmap'], points: 40, mitre: ENUMERATION },
  { id: 'dnswalk', category: 'dns', names: ['dnswalk'], points: 40, mitre: ENUMERATION },
  {
    id: 'sublist3r',
    category: 'dns',
    names: ['sublist3r', 'subfinder', 'amass', 'assetfinder', 'findomain'],
    points: 40,
    mitre: ENUMERATION,
  },
  {
    id: 'getent',
    category: 'dns',
    names: ['getent'],
    packages: ['libc-bin', 'glibc-common', 'musl-utils'],
    first_operand: ['hosts', 'ahosts', 'ahostsv4', 'ahostsv6'],
  },
  {
    id: 'resolvectl',
    category: 'dns',
    names: ['resolvectl', 'systemd-resolve'],
    packages: ['systemd', 'systemd-resolved'],
    first_operand: ['query', 'service', 'openpgp', 'tlsa'],
  },
  { id: 'dnssec-tools', category: 'dns', names: ['dnsget', 'rblcheck'], packages: ['udns-utils'] },
];
