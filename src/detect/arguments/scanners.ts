/** Scanners: every run of them tries many hosts, ports or paths. */
import type { ToolSpec } from './spec.ts';

const NMAP: ToolSpec = {
  tool: 'nmap',
  grammar: {
    short: '6AFhnOrRvdVs::P::T::p:e:S:g:D:b:M:m:f::',
    long: `oX= oN= oG= oA= oS= oJ= oH= iL= iR= script= script-args= script-args-file= script-trace script-updatedb
      script-help= exclude= excludefile= exclude-ports= top-ports= port-ratio= min-rate= max-rate= min-hostgroup=
      max-hostgroup= min-parallelism= max-parallelism= min-rtt-timeout= max-rtt-timeout= initial-rtt-timeout=
      max-retries= host-timeout= scan-delay= max-scan-delay= data= data-string= data-length= ip-options= ttl=
      spoof-mac= source-port=g proxies= dns-servers= system-dns traceroute reason open packet-trace iflist resume=
      stylesheet= datadir= version-intensity= version-light version-all osscan-limit osscan-guess mtu= badsum
      send-eth send-ip privileged unprivileged release-memory webxml no-stylesheet append-output stats-every=
      help|h version|V scanflags= sI= allports disable-arp-ping`,
    single_dash: true,
    abbreviate: false,
  },
  effects: {
    h: 'help',
    V: 'version',
    iflist: 'list',
    'script-help': 'list',
    'script-updatedb': 'list',
    p: 'port',
    'top-ports': 'sweep',
    iL: 'hidden',
    iR: 'sweep',
    oX: 'write',
    oN: 'write',
    oG: 'write',
    oA: 'write',
    oS: 'write',
    oJ: 'write',
    proxies: 'proxy',
    'dns-servers': 'resolver',
    script: 'exec',
  },
  operands: 'hosts',
  sweeps: true,
};

const MASSCAN: ToolSpec = {
  tool: 'masscan',
  grammar: {
    short: 'hVvp:e:c:n',
    long: `ports=p p=p rate= max-rate= banners excludefile= exclude-file= exclude= adapter= adapter-ip= adapter-port=
      adapter-mac= router-mac= router-ip= source-ip= range= conf=c resume= output-filename= output-format= iL=
      include-file= oX= oB= oG= oJ= oL= oU= oD= readscan= shards= seed= retries= wait= ping open-only pcap= ttl=
      source-port= top-ports= http-user-agent= nmap echo help|h version|V iflist regress selftest sL sS Pn n`,
    single_dash: true,
    abbreviate: false,
  },
  effects: {
    h: 'help',
    V: 'version',
    iflist: 'list',
    echo: 'list',
    regress: 'list',
    selftest: 'list',
    nmap: 'help',
    p: 'port',
    range: 'connect',
    iL: 'hidden',
    'include-file': 'hidden',
    c: 'hidden',
    'output-filename': 'write',
    oX: 'write',
    oB: 'write',
    oG: 'write',
    oJ: 'write',
    oL: 'write',
  },
  operands: 'hosts',
  sweeps: true,
};

/** Go and Rust scanners with one or two dashes: target and list options go by a handful of names. */
function flagScanner(tool: string, target: string, list: string, extra: Partial<ToolSpec> = {}): ToolSpec {
  return {
    tool,
    grammar: {
      short: 'Vvs',
      long: `help version ${target}= ${list}= host= h= u= url= target= targets= l= list= iL= p=p port=p ports=p
        top-ports= o= output= w= wordlist= t= threads= rate= c= e= x= proxy= H= header= m= method= f= file= i= silent
        json r= d= timeout= a= addresses= b= cidr= remote= interface= pod mode= k= np no-color`,
      single_dash: true,
      abbreviate: false,
    },
    effects: {
      help: 'help',
      version: 'version',
      V: 'version',
      [target]: 'connect',
      [list]: 'hidden',
      host: 'connect',
      url: 'connect',
      target: 'connect',
      cidr: 'connect',
      remote: 'connect',
      p: 'port',
      'top-ports': 'sweep',
      output: 'write',
      proxy: 'proxy',
      header: 'header',
    },
    operands: 'guess',
    bare: true,
    sweeps: true,
    ...extra,
  };
}

const FPING: ToolSpec = {
  tool: 'fping',
  grammar: {
    short: '46aAdDeghlmMnNoqRsuvb:B:c:C:f:H:i:I:k:O:p:P:Q:r:S:t:T:x:X:',
    long: 'help|h version|v alive|a generate|g file=f count=c',
  },
  effects: { h: 'help', v: 'version', f: 'hidden', g: 'sweep' },
  operands: 'hosts',
};

export const SCANNERS: readonly ToolSpec[] = [
  NMAP,
  MASSCAN,
  FPING,
  {
    tool: 'zmap',
    grammar: {
      short: 'hVvqdGp:o:b:w:r:B:n:N:t:R:c:e:i:s:S:O:f:M:C:I:',
      long: `target-port=p target-ports=p output-file=o blocklist-file=b blacklist-file=b allowlist-file=w whitelist-file=w
        rate=r bandwidth=B max-targets=n max-results=N interface=i source-port=s source-ip=S probe-module=M
        config=C list-of-ips-file=I list-probe-modules list-output-modules help|h version|V dryrun|d`,
    },
    effects: {
      h: 'help',
      V: 'version',
      'list-probe-modules': 'list',
      'list-output-modules': 'list',
      p: 'port',
      w: 'hidden',
      I: 'hidden',
      C: 'hidden',
      o: 'write',
    },
    operands: 'hosts',
    bare: true,
    sweeps: true,
  },
  {
    tool: 'zgrab2',
    grammar: {
      short: 'hf:p:o:m:l:c:s:',
      long: 'help|h port=p input-file=f output-file=o senders=s metadata-file=m log-file=l config-file=c endpoint=',
      single_dash: true,
    },
    effects: { h: 'help', p: 'port', f: 'hidden', c: 'hidden', o: 'write' },
    operands: 'guess',
    verbs: ['http', 'tls', 'ssh', 'ftp', 'banner', 'smb', 'redis', 'modbus', 'multiple', 'mysql', 'postgres'],
    bare: true,
    sweeps: true,
  },
  flagScanner('rustscan', 'addresses', 'file'),
  flagScanner('pnscan', 'host', 'file', { operands: 'hosts' }),
  flagScanner('unicornscan', 'host', 'file', { operands: 'hosts' }),
  flagScanner('naabu', 'host', 'list'),
  flagScanner('arp-scan', 'host', 'file', { operands: 'hosts' }),
  flagScanner('fscan', 'h', 'hf'),
  flagScanner('kscan', 't', 'f'),
  flagScanner('nuclei', 'u', 'l'),
  flagScanner('httpx', 'u', 'l'),
  flagScanner('gobuster', 'u', 'hosts-file'),
  flagScanner('ffuf', 'u', 'request'),
  flagScanner('feroxbuster', 'u', 'resume-from'),
  flagScanner('nikto', 'h', 'hosts-file'),
  flagScanner('sqlmap', 'u', 'bulkfile'),
  flagScanner('kube-hunter', 'remote', 'file'),
  flagScanner('kubeletctl', 's', 'file'),
  flagScanner('cdk', 'host', 'file'),
  flagScanner('peirates', 'host', 'file'),
];
