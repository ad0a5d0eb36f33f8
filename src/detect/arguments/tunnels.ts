/** Tunnels and proxies: who they connect to, and what they open. */
import type { ToolSpec } from './spec.ts';

const COMMON: Pick<ToolSpec, 'operands' | 'bare' | 'tunnels'> = {
  operands: 'guess',
  bare: true,
  tunnels: true,
};

/** Programs whose whole work stands in one file. */
function fromConfig(tool: string, letters = 'c:hvVf:'): ToolSpec {
  return {
    tool,
    grammar: {
      short: letters,
      long: 'config=c config-file=c help|h version|v',
      single_dash: true,
      abbreviate: false,
    },
    effects: { h: 'help', v: 'version', V: 'version', c: 'hidden', f: 'hidden' },
    ...COMMON,
  };
}

export const TUNNELS: readonly ToolSpec[] = [
  {
    tool: 'chisel',
    grammar: {
      short: 'hvp:',
      long: `help|h version fingerprint= auth= keepalive= max-retry-count= max-retry-interval= proxy= header= hostname=
        sni= tls-ca= tls-skip-verify tls-key= tls-cert= pid host= port=p key= keyfile= keygen= authfile= backend=
        socks5 reverse tls-domain=`,
      abbreviate: false,
      single_dash: true,
    },
    effects: {
      h: 'help',
      version: 'version',
      auth: 'secret',
      proxy: 'proxy',
      header: 'header',
      'tls-skip-verify': 'unchecked',
      p: 'listen',
      host: 'bind',
      backend: 'connect',
      keyfile: 'read',
      authfile: 'read',
    },
    verbs: ['client', 'server'],
    ...COMMON,
  },
  {
    ...fromConfig('frpc'),
    grammar: {
      short: 'c:hvs:P:t:l:r:n:p:',
      long: `config=c config_dir= help|h version|v server_addr=s server-addr=s server_port=P token=t local_port=l
        local_ip= remote_port=r proxy_name=n protocol=p strict_config`,
    },
    effects: { h: 'help', v: 'version', c: 'hidden', s: 'connect', t: 'secret' },
  },
  {
    ...fromConfig('frps'),
    effects: { h: 'help', v: 'version', c: 'hidden', t: 'secret', p: 'listen', bind_addr: 'bind' },
    grammar: {
      short: 'c:hvp:t:',
      long: 'config=c help|h version|v bind_port=p bind_addr= token=t dashboard_port= kcp_bind_port=',
    },
  },
  {
    tool: 'ngrok',
    grammar: {
      short: 'h',
      long: 'help|h version authtoken= config= region= log= hostname= subdomain= domain= url= proto= bind-tls= auth= basic-auth= remote-addr= name= host-header= scheme= inspect?',
      single_dash: true,
      abbreviate: false,
    },
    effects: {
      h: 'help',
      version: 'version',
      authtoken: 'secret',
      auth: 'secret',
      'basic-auth': 'secret',
      config: 'read',
    },
    verbs: ['http', 'tcp', 'tls', 'start'],
    ...COMMON,
  },
  {
    tool: 'cloudflared',
    grammar: {
      short: 'hvV',
      long: `help|h version|v token= url= hostname= no-autoupdate config= credentials-file= origincert= loglevel= logfile=
        protocol= metrics= edge= region= name= bastion socks5 hello-world no-tls-verify pidfile= edge-ip-version= token-file= autoupdate-freq= retries=`,
      abbreviate: false,
    },
    effects: {
      h: 'help',
      v: 'version',
      V: 'version',
      token: 'secret',
      'token-file': 'read',
      url: 'connect',
      edge: 'connect',
      config: 'read',
      'credentials-file': 'read',
      'no-tls-verify': 'unchecked',
    },
    ...COMMON,
    verbs: ['tunnel', 'run', 'access'],
  },
  {
    tool: 'gost',
    grammar: { short: 'hVDC:L:F:P:I:M:O:', long: 'api= metrics=', single_dash: true, abbreviate: false },
    effects: { h: 'help', V: 'version', L: 'forward', F: 'connect', C: 'hidden' },
    ...COMMON,
  },
  {
    tool: 'ligolo',
    grammar: {
      short: 'hv',
      long: `help|h version connect= ignore-cert accept-fingerprint= bind= proxy= retry reconnect socks= ua= v selfcert autocert
        laddr= certfile= keyfile= allow-domains= nobanner daemon config=`,
      single_dash: true,
      abbreviate: false,
    },
    effects: {
      h: 'help',
      version: 'version',
      connect: 'connect',
      'ignore-cert': 'unchecked',
      bind: 'listen',
      laddr: 'listen',
      proxy: 'proxy',
      socks: 'proxy',
      config: 'read',
    },
    ...COMMON,
  },
  {
    tool: 'iodine',
    grammar: { short: 'hvfr46su:t:d:P:m:M:T:O:L:I:R:z:F:' },
    effects: { h: 'help', v: 'version', P: 'secret', F: 'write', R: 'sweep' },
    ...COMMON,
    operands: 'hosts',
  },
  {
    tool: 'iodined',
    grammar: { short: 'hvcsfDi46u:t:d:m:l:L:p:n:b:P:z:F:' },
    effects: { h: 'help', v: 'version', P: 'secret', l: 'bind', p: 'listen' },
    ...COMMON,
    operands: 'none',
  },
  {
    tool: 'dnscat',
    grammar: {
      short: 'hvde:c:',
      long: 'help|h version dns= domain= host= port= server= exec=e console ping listen= secret=c no-encryption command= delay= steady max-retransmits= isn= download= upload= packet-trace',
    },
    effects: {
      h: 'help',
      version: 'version',
      e: 'exec_socket',
      c: 'secret',
      domain: 'connect',
      host: 'connect',
      server: 'connect',
      upload: 'upload',
      download: 'download',
    },
    ...COMMON,
    operands: 'hosts',
  },
  {
    tool: 'dns2tcpc',
    grammar: { short: 'hcz:k:d:l:r:R:t:f:T:e:F:' },
    effects: { h: 'help', k: 'secret', z: 'connect', l: 'listen', f: 'hidden', e: 'exec_socket' },
    ...COMMON,
  },
  {
    tool: 'ptunnel',
    grammar: {
      short: 'hvusa:p:l:r:R:P:x:c:o:f:L:',
      long: 'lp= da= dp= proxy=p listen=l remote-addr=r remote-port=R passwd=P logfile=f libpcap=L unprivileged help|h',
      single_dash: true,
      abbreviate: false,
    },
    effects: {
      h: 'help',
      p: 'connect',
      da: 'connect',
      r: 'connect',
      lp: 'listen',
      l: 'listen',
      x: 'secret',
      P: 'secret',
    },
    ...COMMON,
  },
  {
    tool: 'hans',
    grammar: { short: 'hfvric:s:p:u:a:d:m:w:q:' },
    effects: { h: 'help', c: 'connect', p: 'secret' },
    ...COMMON,
  },
  {
    tool: 'sshuttle',
    grammar: {
      short: 'hvVNHDr:l:x:X:e:s:',
      long: 'remote=r ssh-cmd=e listen=l exclude=x exclude-from=X dns ns-hosts= to-ns= daemon|D version|V help|h method= python= pidfile= user= firewall hostwatch sudoers-no-modify auto-nets|N auto-hosts|H subnets=s',
    },
    effects: { h: 'help', V: 'version', r: 'connect', e: 'exec', l: 'listen', 'sudoers-no-modify': 'list' },
    ...COMMON,
  },
  {
    tool: 'bore',
    grammar: {
      short: 'hVt:s:l:p:',
      long: 'to=t secret=s local-host=l port=p min-port= max-port= bind-addr= help|h version|V',
    },
    effects: { h: 'help', V: 'version', t: 'connect', s: 'secret', 'bind-addr': 'bind' },
    ...COMMON,
    verbs: ['local', 'server'],
  },
  fromConfig('rathole'),
  {
    tool: 'wstunnel',
    grammar: {
      short: 'hVL:R:P:H:',
      long: 'local-to-remote=L remote-to-local=R http-upgrade-path-prefix=P http-headers=H http-proxy= restrict-to= restrict-http-upgrade-path-prefix= tls-certificate= tls-private-key= tls-verify-certificate server|s help|h version|V udp',
    },
    effects: { h: 'help', V: 'version', L: 'forward', R: 'forward', 'http-proxy': 'proxy', H: 'header' },
    ...COMMON,
    verbs: ['client', 'server'],
  },
  {
    tool: 'revsocks',
    grammar: {
      short: 'hq',
      long: 'connect= listen= socks= pass= proxy= proxyauth= proxyauthstring= proxytimeout= recn= rect= useragent= cert= tls dns= dnslisten= dnsdelay= ws version',
      single_dash: true,
      abbreviate: false,
    },
    effects: {
      h: 'help',
      version: 'version',
      connect: 'connect',
      listen: 'listen',
      socks: 'listen',
      pass: 'secret',
      proxy: 'proxy',
      proxyauth: 'secret',
      dns: 'connect',
    },
    ...COMMON,
  },
  {
    ...fromConfig('stunnel', 'hvV'),
    grammar: { short: 'hvV', long: 'help version sockets options fd=', single_dash: true },
    effects: { help: 'help', version: 'version', sockets: 'list', options: 'list' },
  },
  {
    tool: 'tmate',
    grammar: { short: 'hvVF2CluS:f:L:k:n:a:r:' },
    effects: { h: 'help', V: 'version', f: 'read', k: 'secret' },
    ...COMMON,
  },
  {
    tool: 'tor',
    grammar: {
      short: 'hf:',
      long: 'help|h version hash-password= list-fingerprint list-torrc-options verify-config defaults-torrc= SocksPort= ControlPort= HiddenServiceDir= HiddenServicePort= DataDirectory= RunAsDaemon= quiet hush',
      abbreviate: false,
    },
    effects: {
      h: 'help',
      version: 'version',
      'hash-password': 'list',
      'list-torrc-options': 'list',
      'verify-config': 'list',
      f: 'read',
      SocksPort: 'listen',
      HiddenServicePort: 'forward',
    },
    ...COMMON,
  },
  {
    tool: 'tailscale',
    grammar: {
      short: 'h',
      long: 'help|h version authkey= auth-key= login-server= hostname= advertise-routes= advertise-exit-node exit-node= accept-routes ssh socket= socks5-server= outbound-http-proxy-listen= tun= state= statedir= port=',
      single_dash: true,
      abbreviate: false,
    },
    effects: {
      h: 'help',
      version: 'version',
      authkey: 'secret',
      'auth-key': 'secret',
      'login-server': 'connect',
      'socks5-server': 'listen',
      'outbound-http-proxy-listen': 'listen',
      'advertise-routes': 'forward',
    },
    ...COMMON,
  },
  fromConfig('3proxy', 'hc:f:'),
  {
    tool: 'ssf',
    grammar: { short: 'hvDFXYL:R:D:F:p:c:l:U:V:', long: 'help|h version' },
    effects: {
      h: 'help',
      version: 'version',
      L: 'forward',
      R: 'forward',
      D: 'forward',
      F: 'forward',
      c: 'read',
    },
    ...COMMON,
  },
  {
    tool: 'iox',
    grammar: { short: 'hvul:r:k:t:' },
    effects: { h: 'help', v: 'version', l: 'listen', r: 'connect', k: 'secret' },
    ...COMMON,
    verbs: ['fwd', 'proxy'],
  },
  {
    tool: 'ew',
    grammar: { short: 'hs:l:d:e:f:g:t:' },
    effects: { h: 'help', l: 'listen', d: 'connect', f: 'connect' },
    ...COMMON,
  },
];
