/**
 * Tools under unknown names, by what their arguments can only mean together. Each rule has needles: one of them
 * must occur in the argument text, in any case, for the rule to hold. The early test on bytes searches these, so
 * a rule must never fire without one of its needles.
 */
import { baseName, shellName } from './names.ts';
import { parseUrl } from './peers.ts';

export interface VocabularyRule {
  tool: string;
  /** Lower case, without blanks, quotes and backslashes. */
  needles: readonly string[];
  /**
   * Proof enough only for a file in a suspicious place: `any` as location.ts sees it, `path` as `isOddPath` sees
   * it, which the early test sees too, so that no needles are needed.
   */
  odd?: 'any' | 'path';
  test(words: readonly string[]): boolean;
}

const SOCAT_NETWORK =
  /^(?:TCP[46]?|TCP[46]?-(?:CONNECT|LISTEN|L)|UDP[46]?(?:-(?:CONNECT|LISTEN|L|SENDTO|DATAGRAM|RECV|RECVFROM))?|(?:OPENSSL|SSL)(?:-(?:CONNECT|LISTEN|L))?|SCTP[46]?(?:-(?:CONNECT|LISTEN))?|VSOCK-(?:CONNECT|LISTEN)|SOCKS4A?|SOCKS5(?:-(?:CONNECT|LISTEN))?|PROXY):[^/]/i;
const SOCAT_OTHER =
  /^(?:EXEC|SYSTEM|SHELL|STDIO|STDIN|STDOUT|PTY|FILE|OPEN|GOPEN|CREATE|PIPE|UNIX(?:-(?:CONNECT|LISTEN|CLIENT))?|ABSTRACT-CONNECT|FD|TUN)(?::|,|$)/i;

/** True for one address of socat's grammar. */
export function isSocatAddress(word: string): boolean {
  return word === '-' || SOCAT_NETWORK.test(word) || SOCAT_OTHER.test(word);
}

function isShellWord(word: string | undefined): boolean {
  return word !== undefined && shellName(baseName(word.split(/\s+/)[0] ?? '')) !== undefined;
}

function isPort(word: string | undefined): boolean {
  return word !== undefined && /^\d{1,5}$/.test(word) && Number(word) > 0 && Number(word) < 65_536;
}

function isHost(word: string | undefined): boolean {
  return (
    word !== undefined &&
    /^(?:\d{1,3}(?:\.\d{1,3}){3}|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+|\[?[0-9a-f:]{3,}\]?)$/i.test(word)
  );
}

function socat(words: readonly string[]): boolean {
  const addresses = words.filter((word) => !word.startsWith('-') || word === '-');
  const network = addresses.filter((word) => SOCAT_NETWORK.test(word)).length;
  const other = addresses.some((word) => word === '-' || SOCAT_OTHER.test(word));
  return network >= 2 || (network === 1 && other);
}

function netcatExec(words: readonly string[]): boolean {
  const port = words.some((word) => isPort(word) || /^-[a-z]*p\d+$/.test(word));
  const exec = words.some(
    (word, i) =>
      (/^-[a-z]{0,6}[ec]$/.test(word) && isShellWord(words[i + 1])) || /^-[a-z]{0,6}e\/\S*sh$/.test(word),
  );
  const rest = words.every(
    (word) =>
      /^-[a-z0-9/]+$/i.test(word) ||
      isHost(word) ||
      isPort(word) ||
      isShellWord(word) ||
      /^[a-z0-9_.-]+$/i.test(word),
  );
  return port && exec && rest && words.length <= 14;
}

/** `-w 1 host 4444`: the grammar of netcat and nothing else, in a place where it must not be. */
function netcatShape(words: readonly string[]): boolean {
  const operands: string[] = [];
  let options = 0;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (/^-[nvuzlk46tN]*[wpqis]$/.test(word)) {
      options++;
      if (!/^[\d.:a-z]+$/i.test(words[++i] ?? '')) return false;
    } else if (/^-[nvuzlk46tN]+(?:[wpqi]\d+)?$/.test(word)) options++;
    else operands.push(word);
  }
  if (options === 0) return false;
  return operands.length === 2 && isHost(operands[0]) && isPort(operands[1]);
}

function url(words: readonly string[]): string | undefined {
  return words.find((word) => /^(?:https?|ftps?):\/\/./i.test(word) && parseUrl(word).host !== '');
}

const CURL_LONG =
  /^--(?:silent|output|location|insecure|fail|data|upload-file|form|header|request|max-time|connect-timeout|user-agent|remote-name|url|proxy|retry|compressed|show-error|data-binary)(?:=|$)/;
const WGET_LONG =
  /^--(?:output-document|quiet|no-check-certificate|directory-prefix|tries|timeout|post-file|post-data|spider|user-agent|content-disposition)(?:=|$)/;

function curl(words: readonly string[]): boolean {
  if (url(words) === undefined) return false;
  return words.some(
    (word) =>
      CURL_LONG.test(word) ||
      /^-[sSfLkiIgOJv]*[sSfLkOodFTHXAm]$/.test(word) ||
      /^-[sSfLk]+[od]\S+$/.test(word),
  );
}

function wget(words: readonly string[]): boolean {
  if (url(words) === undefined) return false;
  return words.some((word) => WGET_LONG.test(word) || /^-(?:q?O-?|qO\S+|nv|nc|q|P|c)$/.test(word));
}

const FORWARD =
  /^(?:R:)?(?:(?:[\w.-]+:)?\d{1,5}:[\w.-]+:\d{1,5}(?:\/udp)?|(?:[\w.-]+:)?\d{0,5}:?socks|\d{1,5}:socks)$/;

function chisel(words: readonly string[]): boolean {
  if (words[0] === 'client')
    return (
      words.some((word) => FORWARD.test(word) || /^R:/.test(word)) &&
      words.some((word) => isHost(word.replace(/^\w+:\/\//, '').replace(/:\d+\/?$/, '')))
    );
  return words[0] === 'server' && words.some((word) => word === '--reverse' || word === '--socks5');
}

function ssh(words: readonly string[]): boolean {
  const forward = words.some((word, i) => {
    const glued = /^-[A-Za-z]*[RLD](.+)$/.exec(word)?.[1];
    const value = glued ?? (/^-[A-Za-z]*[RLD]$/.test(word) ? words[i + 1] : undefined);
    return value !== undefined && /^(?:[\w.*[\]:-]+:)?\d{1,5}(?::[\w.-]+:\d{1,5})?$/.test(value);
  });
  return forward && words.some((word) => /^[\w.-]+@[\w.-]+$/.test(word));
}

const NMAP =
  /^-s[STUAVnCFXNOP]$|^-Pn$|^-o[XNGA]$|^--(?:top-ports|min-rate|max-rate|script|open|osscan-guess)(?:=|$)/;

export const vocabularyRules: readonly VocabularyRule[] = [
  {
    tool: 'socat',
    needles: [
      'tcp:',
      'tcp4:',
      'tcp6:',
      'udp:',
      'udp4:',
      'udp6:',
      'ssl:',
      'sctp:',
      'sctp4:',
      'sctp6:',
      '-connect:',
      '-listen:',
      '-l:',
      '-sendto:',
      '-datagram:',
      '-recv:',
      '-recvfrom:',
      'socks4:',
      'socks4a:',
      'socks5:',
      'proxy:',
    ],
    test: socat,
  },
  {
    tool: 'ncat',
    needles: ['--sh-e', '--lua-e', '--broker', '--exec'],
    test: (words) =>
      words.some((word) => /^--(?:sh-e|lua-e)[a-z]*(?:=|$)/.test(word)) ||
      (words.some((word) => word === '--broker' || /^--exec(?:=|$)/.test(word)) &&
        words.some((word) => /^(?:--listen|-l[a-z]*|--ssl|--keep-open)$/.test(word))),
  },
  { tool: 'netcat', needles: ['sh'], test: netcatExec },
  { tool: 'netcat', needles: [], odd: 'path', test: netcatShape },
  // Clusters so much their own that no place need be odd: `-fsSL URL`, `-qO- URL`.
  {
    tool: 'curl',
    needles: ['://'],
    test: (words) =>
      url(words) !== undefined && words.some((word) => /^-(?=[^S]*S)(?=[^s]*s)[fsSLkgI#]{3,}o?$/.test(word)),
  },
  {
    tool: 'wget',
    needles: ['://'],
    test: (words) =>
      url(words) !== undefined &&
      (words.some((word) => /^-qO/.test(word)) ||
        (words.includes('-q') && words.some((word) => /^-O/.test(word)))),
  },
  { tool: 'wget', needles: ['://'], odd: 'any', test: wget },
  { tool: 'curl', needles: ['://'], odd: 'any', test: curl },
  {
    tool: 'ligolo-ng',
    needles: ['-ignore-cert', '-selfcert'],
    test: (words) =>
      words.some((word) => /^--?(?:ignore-cert|selfcert)$/.test(word)) &&
      words.some((word) => /^--?(?:connect|laddr)(?:=|$)/.test(word) || /:\d+$/.test(word)),
  },
  { tool: 'chisel', needles: ['r:', 'socks', '--reverse', ':'], test: chisel },
  {
    tool: 'frpc',
    needles: ['frpc.', 'frps.', 'frp.'],
    test: (words) =>
      words.some(
        (word, i) =>
          /(?:^|\/)frpc?s?\.(?:ini|toml|ya?ml|json)$/.test(word) &&
          /^(?:-c|--config)$/.test(words[i - 1] ?? ''),
      ),
  },
  { tool: 'ssh', needles: ['@'], test: ssh },
  {
    tool: 'gost',
    needles: ['-l=', '-f='],
    test: (words) =>
      words.some((word) => /^-[LF]=?(?:[a-z0-9+]+:\/\/)?\S*:\d+/.test(word) && /^-[LF]=/.test(word)),
  },
  {
    tool: 'masscan',
    needles: ['--rate'],
    test: (words) =>
      words.some((word) => /^--(?:max-)?rate(?:=|$)/.test(word)) &&
      words.some((word) => /^-p\d|^--ports/.test(word) || word === '-p') &&
      words.some((word) => /^\d+\.\d+\.\d+\.\d+(?:\/\d+|-\S+)?$/.test(word)),
  },
  {
    tool: 'nmap',
    needles: [
      '-ss',
      '-st',
      '-su',
      '-sv',
      '-sn',
      '-sa',
      '-sc',
      '-sf',
      '-sx',
      '-so',
      '-sp',
      '-pn',
      '-ox',
      '-on',
      '-og',
      '-oa',
      '--top-ports',
      '--min-rate',
      '--max-rate',
      '--script',
      '--open',
      '--osscan',
    ],
    test: (words) =>
      words.filter((word) => NMAP.test(word)).length >= 1 &&
      words.some((word) => /^\d+\.\d+\.\d+\.[\d*-]+(?:\/\d+)?$/.test(word)),
  },
  {
    tool: 'fscan',
    needles: ['-nobr', '-nopoc', '-np', '-full'],
    test: (words) =>
      words.some(
        (word, i) => word === '-h' && /^\d+\.\d+\.\d+\.\d+(?:\/\d+|-\S+)?$/.test(words[i + 1] ?? ''),
      ) && words.some((word) => /^-(?:np|nobr|nopoc|full)$/.test(word)),
  },
  {
    tool: 'tcpdump',
    needles: ['.pcap', '.cap'],
    test: (words) =>
      words.some((word, i) => word === '-w' && /\.p?cap(?:ng)?$/.test(words[i + 1] ?? '')) &&
      words.some((word) => /^-[a-z]*i/.test(word)),
  },
  {
    tool: 'cloudflared',
    needles: ['tunnel'],
    test: (words) =>
      words.includes('tunnel') &&
      words.some((word) => /^--(?:token|url|no-autoupdate|hello-world|origincert)(?:=|$)/.test(word)),
  },
  {
    tool: 'ngrok',
    needles: ['authtoken'],
    test: (words) =>
      words.some((word) => /authtoken/.test(word)) &&
      words.some((word) => /^(?:tcp|http|tls|start|config|add-authtoken)$/.test(word)),
  },
  {
    tool: 'dnscat',
    needles: ['--dns', '--secret'],
    test: (words) =>
      words.some((word) => /^--dns(?:=|$)/.test(word)) &&
      words.some((word) => /server=|domain=|^--secret/.test(word)),
  },
  {
    tool: 'gs-netcat',
    needles: [],
    odd: 'path',
    test: (words) =>
      words.some((word, i) => word === '-s' && /^[A-Za-z0-9]{8,}$/.test(words[i + 1] ?? '')) &&
      words.some((word) => /^-[a-z]*[il][a-z]*$/.test(word) && word !== '-s'),
  },
];

/** The rule whose options these are; `odd` tells what suspicious place the file is in, if any. */
export function recognise(
  words: readonly string[],
  odd: { any: boolean; path: boolean },
): VocabularyRule | undefined {
  if (words.length === 0 || words.length > 512) return undefined;
  return vocabularyRules.find((rule) => (rule.odd === undefined || odd[rule.odd]) && rule.test(words));
}
