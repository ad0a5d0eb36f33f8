/** Sniffers: what they listen on, and the files they write or read instead. */
import type { ToolSpec } from './spec.ts';

const MITM: Omit<ToolSpec, 'tool'> = {
  grammar: {
    short: 'hvqnp:m:w:r:s:k',
    long: `help|h version listen-port=p listen-host= mode=m save-stream-file=w rfile=r scripts=s ssl-insecure|k set= options
      commands quiet|q verbose|v confdir= certs= ignore-hosts= allow-hosts= tcp-hosts= no-web-open-browser web-port=`,
  },
  effects: {
    h: 'help',
    version: 'version',
    options: 'list',
    commands: 'list',
    p: 'listen',
    'listen-host': 'bind',
    w: 'write',
    r: 'offline',
    s: 'exec',
    k: 'unchecked',
    m: 'forward',
  },
  operands: 'none',
  bare: true,
};

export const SNIFFERS: readonly ToolSpec[] = [
  {
    tool: 'tcpdump',
    grammar: {
      short: 'AbdDefghHIJKlLnNOpqStuUvxX#B:c:C:E:F:G:i:j:m:M:r:s:T:V:w:W:y:z:Z:Q:',
      long: `help|h version list-interfaces|D list-data-link-types|L interface=i snapshot-length=s count direction=Q
        immediate-mode print number|# no-promiscuous-mode|p buffer-size=B monitor-mode|I relinquish-privileges=Z
        list-time-stamp-types|J packet-buffered|U dont-verify-checksums|K`,
    },
    effects: {
      h: 'help',
      version: 'version',
      D: 'list',
      L: 'list',
      J: 'list',
      d: 'list',
      r: 'offline',
      V: 'offline',
      w: 'write',
      F: 'read',
      z: 'exec',
    },
    operands: 'none',
    bare: true,
  },
  {
    tool: 'tshark',
    grammar: {
      short: '2hvDLlnpPqQSVxIgi:w:r:Y:f:c:a:b:T:e:E:d:o:z:N:s:X:K:O:R:H:F:W:y:A:j:J:t:u:B:C:G::M:U:',
      long: `help|h version|v list-interfaces|D interface=i export-objects= color no-duplicate-keys elastic-mapping-filter=
        capture-comment= disable-protocol= enable-protocol= disable-heuristic= enable-heuristic= log-level=
        list-data-link-types|L read-file=r autostop=a ring-buffer=b`,
    },
    effects: {
      h: 'help',
      v: 'version',
      D: 'list',
      L: 'list',
      G: 'list',
      r: 'offline',
      w: 'write',
      X: 'exec',
    },
    operands: 'none',
    bare: true,
  },
  {
    tool: 'dumpcap',
    grammar: {
      short: 'hvDLSMdpgInqPtZ:i:w:f:c:a:b:s:y:B:N:C:k:',
      long: 'help|h version|v list-interfaces|D interface=i',
    },
    effects: { h: 'help', v: 'version', D: 'list', L: 'list', S: 'list', w: 'write' },
    operands: 'none',
    bare: true,
  },
  {
    tool: 'ngrep',
    grammar: { short: 'hNXViwqpevxlDtTRMKCWd:n:A:s:S:I:O:P:F:c:k:' },
    effects: { h: 'help', V: 'version', I: 'offline', O: 'write', F: 'read' },
    operands: 'none',
    bare: true,
  },
  {
    tool: 'tcpflow',
    grammar: { short: 'aBcCDeEghIJkKpsvVZ0b:d:f:i:L:m:o:q:r:R:S:T:U:w:x:X:z:', long: 'help|h version|V' },
    effects: { h: 'help', V: 'version', r: 'offline', R: 'offline', w: 'write', o: 'write' },
    operands: 'none',
    bare: true,
  },
  {
    tool: 'dsniff',
    grammar: { short: 'cdmnhi:p:f:r:s:t:w:' },
    effects: { h: 'help', p: 'offline', r: 'offline', w: 'write' },
    operands: 'none',
    bare: true,
  },
  {
    tool: 'ettercap',
    grammar: {
      short: 'TqGCDhvopuzRdeIM:i:w:r:L:l:F:P:s:j:k:t:f:',
      long: 'text|T quiet|q mitm=M iface=i write=w read=r log=L filter=F plugin=P help|h version|v iflist|I',
    },
    effects: {
      h: 'help',
      v: 'version',
      I: 'list',
      r: 'offline',
      w: 'write',
      L: 'write',
      F: 'read',
      M: 'forward',
    },
    operands: 'none',
    bare: true,
  },
  {
    tool: 'bettercap',
    grammar: {
      short: 'h',
      long: 'iface= eval= caplet= autostart= script= silent debug version help|h no-colors no-history gateway-override= env-file= pcap-buf-size=',
      single_dash: true,
    },
    effects: { h: 'help', version: 'version', caplet: 'read', script: 'read' },
    operands: 'none',
    bare: true,
  },
  { tool: 'mitmproxy', ...MITM },
  { tool: 'mitmdump', ...MITM },
  {
    tool: 'suricata',
    grammar: {
      short: 'DThVvi:c:r:l:s:S:q:F:k:',
      long: 'pcap= af-packet= build-info list-runmodes list-keywords engine-analysis user= group= pidfile= init-errors-fatal',
    },
    effects: {
      h: 'help',
      V: 'version',
      'build-info': 'list',
      'list-runmodes': 'list',
      'list-keywords': 'list',
      T: 'list',
      r: 'offline',
    },
    operands: 'none',
    bare: true,
  },
];
