/** Small clients that a table describes: telnet, ftp, whois, packet makers. */
import type { ToolSpec } from './spec.ts';

const HPING: Omit<ToolSpec, 'tool'> = {
  grammar: {
    short: '012489bBDfFhGAHIJknNPqQrRSTuUvVwWxXYZzZc:d:e:E:g:i:I:a:C:K:l:m:M:L:o:O:p:s:t:y:',
    long: `help|h version|v count=c interval=i fast faster flood numeric|n quiet|q interface=I verbose|V rawip|0 icmp|1 udp|2
      scan=8 listen=9 spoof=a rand-dest rand-source ttl=t id=N baseport=s destport=p keep|k win=w data=d file=E sign=e
      syn|S ack|A fin|F rst|R push|P urg|U xmas|X ymas|Y traceroute|T safe|B dump|j print|J end|u`,
  },
  effects: {
    h: 'help',
    v: 'version',
    p: 'port',
    E: 'upload',
    flood: 'sweep',
    '8': 'sweep',
    'rand-dest': 'sweep',
  },
  operands: 'hosts',
};

const PING: Omit<ToolSpec, 'tool'> = {
  grammar: {
    short: '46aAbBCdDfhHLnOqrRUvVc:e:F:i:I:l:m:M:N:p:P:Q:s:S:t:T:w:W:',
    long: 'help|h version|V count=c',
  },
  effects: { h: 'help', V: 'version', f: 'sweep' },
  operands: 'hosts',
};

export const CLIENTS: readonly ToolSpec[] = [
  {
    tool: 'telnet',
    grammar: { short: '4678acdEfFhKLrxX:b:e:k:l:n:S:', long: 'help|h version' },
    effects: { h: 'help', version: 'version', n: 'write', b: 'bind' },
    operands: 'host_port',
    default_port: '23',
    scheme: 'telnet',
  },
  {
    tool: 'rlogin',
    grammar: { short: '468dEKLxDhe:i:l:p:', permute: true },
    effects: { h: 'help' },
    operands: 'host_port',
    default_port: '513',
  },
  {
    tool: 'whois',
    grammar: { short: 'HVaBbcdFGKlLmMQrRxh:p:i:T:s:g:t:v:q:', long: 'host=h port=p verbose help version|V' },
    effects: { help: 'help', V: 'version', h: 'connect', p: 'port' },
    operands: 'none',
  },
  {
    tool: 'gs-netcat',
    grammar: { short: 'hlgqwCTSDiIus:k:o:L:e:d:p:m:a:n:v' },
    effects: {
      h: 'help',
      e: 'exec_socket',
      s: 'secret',
      k: 'read',
      L: 'write',
      d: 'forward',
      l: 'listen',
      i: 'forward',
    },
    operands: 'none',
    bare: true,
  },
  {
    tool: 'fetch',
    grammar: {
      short: '146AadFilMmnPpqRrsUvB:N:o:S:T:w:',
      long: 'output=o no-verify-peer no-verify-hostname user-agent=',
    },
    effects: { o: 'download', 'no-verify-peer': 'unchecked' },
    operands: 'urls',
  },
  {
    tool: 'grpcurl',
    grammar: {
      short: 'hvH:d:',
      long: 'help|h plaintext insecure proto= import-path= authority= cert= key= cacert= rpc-header= max-time= unix',
      single_dash: true,
      abbreviate: false,
    },
    effects: { h: 'help', insecure: 'unchecked', H: 'header', 'rpc-header': 'header', key: 'read' },
    operands: 'guess',
    bare: true,
  },
  {
    tool: 'hydra',
    grammar: { short: 'hRSsIOufFqvV46l:L:p:P:x:e:C:M:o:b:t:T:w:W:c:m:s:', long: 'help|h' },
    effects: { h: 'help', M: 'hidden', o: 'write', L: 'read', P: 'read', p: 'secret' },
    operands: 'guess',
    bare: true,
    sweeps: true,
  },
  {
    tool: 'iperf3',
    grammar: {
      short: 'sVhv46RudZNiDJkp:c:B:b:t:n:P:l:w:M:C:F:f:i:A:L:S:T:',
      long: 'server|s client=c port=p bind=B help|h version|v udp|u reverse|R time=t parallel=P file=F bidir logfile= json|J',
    },
    effects: {
      h: 'help',
      v: 'version',
      c: 'connect',
      s: 'listen',
      B: 'bind',
      p: 'port',
      F: 'upload',
      logfile: 'write',
    },
    operands: 'none',
    default_port: '5201',
  },
  { tool: 'hping', ...HPING },
  { tool: 'hping2', ...HPING },
  { tool: 'hping3', ...HPING },
  {
    tool: 'nping',
    grammar: {
      short: '6hVvqdNHNep:g:c:e:S:',
      long: `tcp udp icmp arp tr tcp-connect echo-client= echo-server= dest-port=p source-port=g flags= delay= rate= count=c data=
        data-string= data-length= interface=e source-ip=S help|h version|V traceroute dest-ip= privileged`,
    },
    effects: { h: 'help', V: 'version', p: 'port', 'echo-client': 'secret' },
    operands: 'hosts',
  },
  { tool: 'ping', ...PING },
  { tool: 'arping', ...PING },
  {
    tool: 'packit',
    grammar: { short: 'hvnRXYc:i:m:s:d:S:D:t:F:w:Z:b:J:r:' },
    effects: { h: 'help', v: 'version', d: 'connect', D: 'port', r: 'offline' },
    operands: 'none',
    bare: true,
  },
  {
    tool: 'mausezahn',
    grammar: { short: 'hvqxSa:b:A:B:c:d:p:P:t:T:f:F:M:Q:r' },
    effects: { h: 'help', B: 'connect', f: 'upload', F: 'upload' },
    operands: 'none',
    bare: true,
  },
  {
    tool: 'ftp',
    grammar: {
      short: '46AadefghinNpPRtvVUoq:N:o:P:r:s:T:u:w:',
      long: 'help|h version ssl? passive|p verbose|v',
    },
    effects: { h: 'help', version: 'version' },
    operands: 'host_port',
    default_port: '21',
    scheme: 'ftp',
  },
];
