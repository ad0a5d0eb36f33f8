/** The parser of every tool, by canonical id. A tool of the taxonomy that is missing here gets `genericParser`. */
import type { ArgumentParser } from '../invocation.ts';
import { CLIENTS } from './clients.ts';
import { parseRsync, parseScp, parseSftp } from './copy.ts';
import { parseCurl } from './curl.ts';
import { digParser } from './dig.ts';
import {
  browserParser,
  parseAb,
  parseAria2,
  parseAxel,
  parseHttpie,
  parseLwpDownload,
  parseLwpRequest,
  parseXh,
} from './http-clients.ts';
import { interpreterParser } from './interpreters.ts';
import {
  enumeratorParser,
  parseGetent,
  parseHost,
  parseNslookup,
  parseNsupdate,
  parseResolvectl,
} from './name-lookup.ts';
import { parseNcat } from './ncat.ts';
import { parseNetcat } from './netcat.ts';
import { keyedNetcatParser, parsePwncat, parseSocketTool, parseWebsocat } from './netcat-cousins.ts';
import { parseOpenssl } from './openssl.ts';
import { SCANNERS } from './scanners.ts';
import {
  parseDropbear,
  parseHttpd,
  parsePhpHttpServer,
  parsePythonFtpServer,
  parsePythonHttpServer,
  parseRubyHttpServer,
  parseTelnetd,
  tcpsvdParser,
} from './servers.ts';
import { SNIFFERS } from './sniffers.ts';
import { parseSocat } from './socat.ts';
import { genericParser, specParser, type ToolSpec } from './spec.ts';
import { parseDbclient, parsePlink, parseSsh } from './ssh.ts';
import {
  cloudCopyParser,
  ftpGetPutParser,
  lftpParser,
  parseFinger,
  parseSmbclient,
  parseTftp,
} from './transfers.ts';
import { TUNNELS } from './tunnels.ts';
import { parseWget } from './wget.ts';

export { genericParser } from './spec.ts';

function fromSpecs(specs: readonly ToolSpec[]): Record<string, ArgumentParser> {
  return Object.fromEntries(specs.map((spec) => [spec.tool, specParser(spec)]));
}

const ENUMERATORS = [
  'dnsx',
  'massdns',
  'adnshost',
  'dnsrecon',
  'dnsenum',
  'fierce',
  'dnsmap',
  'dnswalk',
  'sublist3r',
  'puredns',
  'shuffledns',
  'zdns',
];
const INTERPRETERS = [
  'python',
  'perl',
  'ruby',
  'node',
  'php',
  'lua',
  'gawk',
  'tclsh',
  'jrunscript',
  'julia',
  'R',
];
/** Same program, other name. */
const ALIASES: Record<string, string> = {
  curlie: 'curl',
  wget2: 'wget',
  'ptunnel-ng': 'ptunnel',
  zgrab: 'zgrab2',
  dnscat2: 'dnscat',
  tailscaled: 'tailscale',
  'ligolo-ng': 'ligolo',
  mtr: 'ping',
  traceroute: 'ping',
  tracepath: 'ping',
  rsh: 'rlogin',
  autossh: 'ssh',
  mdig: 'dig',
  khost: 'host',
  'unbound-host': 'host',
  gsocket: 'gs-netcat',
  rustcat: 'netcat',
  hobbit: 'netcat',
  zenmap: 'nmap',
  autorecon: 'nmap',
  enum4linux: 'fping',
  sslscan: 'fping',
  t50: 'hping3',
  'yt-dlp': 'aria2c',
  sshfs: 'scp',
  pssh: 'ssh',
};

/** Each run of these is a tunnel, whatever its options. */
const PLAIN_TUNNELS = ['v2ray', 'wireguard', 'zerotier', 'localtunnel', 'proxychains', 'python-proxy'];
const PLAIN_TUNNEL_SPECS = PLAIN_TUNNELS.map(
  (tool): ToolSpec => ({
    tool,
    grammar: { short: 'hvVp:c:', long: 'help|h version|V port=p config=c host= bind=', single_dash: true },
    effects: { h: 'help', V: 'version', v: 'version', c: 'read', p: 'listen', bind: 'bind' },
    operands: 'guess',
    bare: true,
    tunnels: true,
  }),
);

const PARSERS: Record<string, ArgumentParser> = {
  ...fromSpecs(SCANNERS),
  ...fromSpecs(SNIFFERS),
  ...fromSpecs(TUNNELS),
  ...fromSpecs(PLAIN_TUNNEL_SPECS),
  ...fromSpecs(CLIENTS),
  ...Object.fromEntries(ENUMERATORS.map((tool) => [tool, enumeratorParser(tool)])),
  ...Object.fromEntries(
    INTERPRETERS.flatMap((name) =>
      [name, `${name}-net`].map((tool) => [tool, interpreterParser(tool, name)]),
    ),
  ),
  netcat: parseNetcat,
  ncat: parseNcat,
  socat: parseSocat,
  cryptcat: keyedNetcatParser('cryptcat'),
  sbd: keyedNetcatParser('sbd'),
  pwncat: parsePwncat,
  socket: parseSocketTool,
  websocat: parseWebsocat,
  tcpsvd: tcpsvdParser('tcpsvd'),
  udpsvd: tcpsvdParser('udpsvd'),
  curl: parseCurl,
  wget: parseWget,
  'lwp-download': parseLwpDownload,
  'lwp-request': parseLwpRequest,
  aria2c: parseAria2,
  axel: parseAxel,
  httpie: parseHttpie,
  xh: parseXh,
  ab: parseAb,
  lynx: browserParser('lynx'),
  links: browserParser('links'),
  w3m: browserParser('w3m'),
  dig: digParser('dig'),
  kdig: digParser('kdig'),
  delv: digParser('delv'),
  drill: digParser('drill'),
  dog: digParser('dog'),
  doggo: digParser('doggo'),
  q: digParser('q'),
  host: parseHost,
  nslookup: parseNslookup,
  nsupdate: parseNsupdate,
  getent: parseGetent,
  resolvectl: parseResolvectl,
  ssh: parseSsh,
  dbclient: parseDbclient,
  plink: parsePlink,
  dropbear: parseDropbear,
  telnetd: parseTelnetd,
  scp: parseScp,
  sftp: parseSftp,
  rsync: parseRsync,
  tftp: parseTftp,
  ftpget: ftpGetPutParser('ftpget'),
  ftpput: ftpGetPutParser('ftpput'),
  lftp: lftpParser('lftp'),
  ncftp: lftpParser('ncftp'),
  smbclient: parseSmbclient,
  rclone: cloudCopyParser('rclone'),
  restic: cloudCopyParser('restic'),
  mc: cloudCopyParser('mc'),
  s5cmd: cloudCopyParser('s5cmd'),
  finger: parseFinger,
  openssl: parseOpenssl,
  'python-http-server': parsePythonHttpServer,
  'python-ftp-server': parsePythonFtpServer,
  'php-http-server': parsePhpHttpServer,
  'ruby-http-server': parseRubyHttpServer,
  httpd: parseHttpd,
};

/** A parser whose result carries another tool's id. */
function renamed(parser: ArgumentParser, tool: string): ArgumentParser {
  return (words, context) => ({ ...parser(words, context), tool });
}

/** No program does anything when `--help` or `--version` is all it is given. */
function heedingQuestions(parser: ArgumentParser): ArgumentParser {
  return (words, context) => {
    const invocation = parser(words, context);
    if (words.length === 1 && words[0] === '--help') invocation.inert ??= 'help';
    if (words.length === 1 && words[0] === '--version') invocation.inert ??= 'version';
    return invocation;
  };
}

/** Parsers by canonical tool id. */
export const argumentParsers: Readonly<Record<string, ArgumentParser>> = Object.fromEntries(
  [
    ...Object.entries(ALIASES).map(([tool, like]): [string, ArgumentParser] => [
      tool,
      renamed(PARSERS[like]!, tool),
    ]),
    ...Object.entries(PARSERS),
  ].map(([tool, parser]) => [tool, heedingQuestions(parser)]),
);

/** The parser for a tool: its own, or the generic one. */
export function argumentParserFor(tool: string): ArgumentParser {
  return Object.hasOwn(argumentParsers, tool) ? argumentParsers[tool]! : genericParser(tool);
}
