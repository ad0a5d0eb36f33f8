/** Masks credentials in arguments, wherever a finding leaves the process. */
import type { Ancestor, ExecEvent, ExecProcess, Program } from '../model/exec-event.ts';
import type { IndicatorHit, Verdict } from '../model/finding.ts';
import { mayBeMasked } from './may-be-masked.ts';

const MASK = '[redacted]';

interface RedactionRule {
  pattern: RegExp;
  replace: string;
}

const SECRET_KEY =
  '(?:pass(?:word|wd|phrase|wort)?|pwd|secret(?:[_-]?(?:access[_-]?)?key)?|client[_-]?secret|token|access[_-]?token|refresh[_-]?token|id[_-]?token|auth[_-]?token|authtoken|api[_-]?key|apikey|access[_-]?key(?:[_-]?id)?|private[_-]?key|session[_-]?key|credentials?|signature|x-amz-(?:signature|credential|security-token)|sig|sas)';

/** Bounded repetitions only, so that hostile text cannot make them slow. */
const rules: readonly RedactionRule[] = [
  {
    pattern:
      /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,16384}?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g,
    replace: MASK,
  },
  {
    pattern:
      /\b((?:proxy-)?authorization|x-(?:api|auth|vault|goog-iap|aws)[a-z-]{0,30}(?:key|token)|x-api-key|api-key|private-token|job-token|deploy-token|x-amz-security-token)(\s{0,4}[:=]\s{0,4})((?:(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s{1,4})?)[^\s"'\\,;]{1,4096}/gi,
    replace: `$1$2$3${MASK}`,
  },
  {
    pattern: /\b((?:set-)?cookie\s{0,4}:\s{0,4})[^\s"'][^\r\n"']{0,4096}/gi,
    replace: `$1${MASK}`,
  },
  { pattern: /\b(bearer|basic)\s{1,4}[A-Za-z0-9._~+/=-]{6,4096}/gi, replace: `$1 ${MASK}` },
  { pattern: /\beyJ[A-Za-z0-9_-]{4,4096}(?:\.[A-Za-z0-9_-]{0,4096}){0,2}/g, replace: MASK },
  {
    pattern: /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/?#:@"']{0,256}):[^\s/?#@"']{1,1024}@/gi,
    replace: `$1:${MASK}@`,
  },
  {
    pattern:
      /(\b[a-z][a-z0-9+.-]{1,20}:\/\/)(?:[A-Za-z0-9_-]{16,256}|gh[a-z]_[A-Za-z0-9]{1,255}|x-access-token)@/gi,
    replace: `$1${MASK}@`,
  },
  { pattern: /\b(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{12,124}\b/g, replace: MASK },
  {
    pattern:
      /\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_-]{10,255}|xox[abeoprs]-[A-Za-z0-9-]{8,255}|xapp-[A-Za-z0-9-]{8,255}|npm_[A-Za-z0-9]{20,255}|pypi-[A-Za-z0-9_-]{16,1024}|dckr_pat_[A-Za-z0-9_-]{16,255}|hv[sbr]\.[A-Za-z0-9_-]{16,1024}|sk_(?:live|test)_[A-Za-z0-9]{8,255}|sk-[A-Za-z0-9_-]{16,255}|rk_live_[A-Za-z0-9]{8,255}|SG\.[A-Za-z0-9_-]{8,128}\.[A-Za-z0-9_-]{8,128}|AIza[A-Za-z0-9_-]{30,64}|ya29\.[A-Za-z0-9_-]{10,2048}|dop_v1_[a-f0-9]{32,128}|shp(?:at|ss|ca|pa)_[a-fA-F0-9]{16,64}|tskey-[A-Za-z0-9-]{8,128}|glc_[A-Za-z0-9+/=]{16,512}|whsec_[A-Za-z0-9+/=]{8,256})/g,
    replace: MASK,
  },
  { pattern: /(?<!\d)\d{8,12}:AA[A-Za-z0-9_-]{30,40}/g, replace: MASK },
  { pattern: /(hooks\.slack\.com\/(?:services|workflows|triggers)\/)[^\s"']{1,512}/gi, replace: `$1${MASK}` },
  {
    pattern: /(discord(?:app)?\.com\/api\/(?:v\d{1,3}\/)?webhooks\/\d{1,24}\/)[^\s"'/?]{1,256}/gi,
    replace: `$1${MASK}`,
  },
  { pattern: /(\.webhook\.office\.com\/)[^\s"']{1,512}/gi, replace: `$1${MASK}` },
  { pattern: new RegExp(`([?&;]${SECRET_KEY}=)[^\\s&#"';]{1,4096}`, 'gi'), replace: `$1${MASK}` },
  {
    pattern:
      /(\b[A-Za-z0-9_]{0,64}(?:PASS(?:WORD|WD|PHRASE)?|PWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?|AUTHTOKEN)[A-Z0-9_]{0,32}=)(?:"[^"]{0,4096}"|'[^']{0,4096}'|[^\s"';&|]{1,4096})/g,
    replace: `$1${MASK}`,
  },
  {
    pattern: new RegExp(
      `((?<![\\w-])--?(?:[a-z0-9]{1,20}[-_]){0,3}${SECRET_KEY}(?:=|\\s{1,4}))(?:"[^"]{0,4096}"|'[^']{0,4096}'|[^\\s"'-][^\\s"']{0,4095})`,
      'gi',
    ),
    replace: `$1${MASK}`,
  },
  { pattern: new RegExp(`("${SECRET_KEY}"\\s{0,4}:\\s{0,4}")[^"]{0,4096}`, 'gi'), replace: `$1${MASK}` },
  {
    pattern: new RegExp(`(\\b${SECRET_KEY}=)(?!\\[redacted\\])[^\\s&"';|)]{1,4096}`, 'gi'),
    replace: `$1${MASK}`,
  },
  {
    pattern:
      /((?:^|\s)-[A-Za-z]{0,8}u\s{0,4}|(?:^|\s)--(?:proxy-)?user(?:=|\s{1,4}))("?)([^\s:"'@/]{1,256}):[^\s"']{1,1024}/g,
    replace: `$1$2$3:${MASK}`,
  },
];

/** Options whose value is a secret by itself, per program. */
const SECRET_VALUE_OPTIONS: readonly { programs: RegExp; options: RegExp; glued?: RegExp }[] = [
  {
    programs: /^(?:curl|curlie)$/,
    options:
      /^(?:-[A-Za-z#0-9]*[uU]|--user|--proxy-user|--oauth2-bearer|--pass|--proxy-pass|--tlspassword|--login-options|-[A-Za-z#0-9]*b|--cookie)$/,
  },
  { programs: /^wget2?$/, options: /^--(?:password|http-password|ftp-password|proxy-password)$/ },
  { programs: /^sshpass$/, options: /^-p$/, glued: /^-p(?!$)/ },
  { programs: /^(?:mysql|mysqldump|mariadb|mysqladmin)$/, options: /^--password$/, glued: /^-p(?!$)/ },
  { programs: /^redis-cli$/, options: /^(?:-a|--pass)$/ },
  { programs: /^(?:mongo|mongosh|mongodump)$/, options: /^(?:-p|--password)$/ },
  { programs: /^(?:smbclient|rpcclient|smbget)$/, options: /^(?:-U|--user)$/ },
  {
    programs: /^(?:iodine|iodined|gs-netcat|dnscat|plink|putty|ldapsearch|sqlcmd|wstunnel)$/,
    options: /^(?:-P|-s|-w|-pw|--secret)$/,
  },
  {
    programs: /^(?:cloudflared|ngrok|tailscale|tailscaled|chisel|rathole|bore)$/,
    options: /^--?(?:token|authtoken|authkey|auth|secret|key)$/,
  },
  { programs: /^(?:lftp|ftp|ncftp)$/, options: /^(?:-u|-p)$/ },
];

/** Masks credentials in one text. The same text always gives the same result; masking twice changes nothing. */
export function redactText(text: string): string {
  if (text.length < 4 || !mayBeMasked(text)) return text;
  let result = text;
  for (const rule of rules) result = result.replace(rule.pattern, rule.replace);
  return result;
}

/** Masks credentials in words, options of known programs included. Gives the words themselves where there is none. */
export function redactWords(words: string[]): string[] {
  return mayBeMasked(words.join(' ')) ? maskWords(words) : words;
}

/** The same without looking first whether it is worth it. */
export function maskWords(words: readonly string[]): string[] {
  const names = new Set(words.slice(0, 8).map((word) => word.slice(word.lastIndexOf('/') + 1)));
  const known = SECRET_VALUE_OPTIONS.filter((entry) => [...names].some((name) => entry.programs.test(name)));
  return words.map((word, i) => {
    const before = i > 0 ? words[i - 1]! : '';
    for (const entry of known) {
      if (entry.options.test(before)) return maskValue(word);
      const glued = entry.glued?.exec(word);
      if (glued) return `${glued[0]}${MASK}`;
    }
    if (SECRET_OPTION.test(before) && !word.startsWith('-')) return MASK;
    if (isHeaderValue(before, word)) return MASK;
    return redactText(word);
  });
}

const SECRET_OPTION = new RegExp(`^--?(?:[a-z0-9]{1,20}[-_]){0,3}${SECRET_KEY}$`, 'i');

const SECRET_HEADER =
  /^"?(?:(?:proxy-)?authorization|x-[a-z-]{0,40}(?:key|token)|api-key|private-token|job-token|cookie):$/i;
const SCHEME = /^(?:bearer|basic|token|digest|negotiate|apikey)$/i;

/** Words that a sensor's joining tore apart: `Authorization:`, `Bearer`, the token. */
function isHeaderValue(before: string, word: string): boolean {
  if (SCHEME.test(word)) return false;
  return SECRET_HEADER.test(before) || (SCHEME.test(before) && word.length > 5 && !word.startsWith('-'));
}

/** `user:password` keeps the user; a cookie file or empty value stays. */
function maskValue(word: string): string {
  const colon = word.indexOf(':');
  if (colon > 0) return `${word.slice(0, colon)}:${MASK}`;
  const percent = word.indexOf('%');
  if (percent > 0) return `${word.slice(0, percent)}%${MASK}`;
  return word.startsWith('-') || word.startsWith('/') || word.startsWith('@') ? word : MASK;
}

/** The same in a sensor's joined argument string: words are masked in place. */
function redactArguments(program: string, text: string): string {
  if (!mayBeMasked(text) && !mayBeMasked(program)) return text;
  const words = text.split(' ');
  return redactText(
    maskWords([program, ...words])
      .slice(1)
      .join(' '),
  );
}

function redactProgram<T extends Program>(program: T): T {
  const argv = redactWords(program.argv);
  const text = program.arguments;
  const masked = text === undefined ? undefined : redactArguments(program.argv[0] ?? '', text);
  if (argv === program.argv && masked === text) return program;
  return masked === undefined ? { ...program, argv } : { ...program, argv, arguments: masked };
}

/** The items after `change`; the list itself where that changed none. */
function changed<T>(items: T[], change: (item: T) => T): T[] {
  let result: T[] | undefined;
  for (let i = 0; i < items.length; i += 1) {
    const item = items[i]!;
    const other = change(item);
    if (other === item) continue;
    result ??= items.slice();
    result[i] = other;
  }
  return result ?? items;
}

/** The event with command lines that hold no credentials: itself where they hold none already. */
export function redactEvent(event: ExecEvent): ExecEvent {
  const { container } = event;
  const process = redactProgram<ExecProcess>(event.process);
  const ancestors = changed<Ancestor>(event.ancestors, redactProgram);
  const probes = container?.probes === undefined ? undefined : changed(container.probes, redactWords);
  if (process === event.process && ancestors === event.ancestors && probes === container?.probes)
    return event;
  return {
    ...event,
    process,
    ancestors,
    ...(probes !== undefined && { container: { ...container!, probes } }),
  };
}

/** Entries whose texts hold no credentials: the list itself where they hold none already. */
export function redactTexts<T extends { text: string }>(entries: T[]): T[] {
  return changed(entries, (entry) => {
    const text = redactText(entry.text);
    return text === entry.text ? entry : { ...entry, text };
  });
}

/** A copy of the verdict whose texts hold no credentials. */
export function redactVerdict(verdict: Verdict): Verdict {
  return { ...verdict, why: verdict.why.map(redactLine), indicators: redactHits(verdict.indicators) };
}

/** The hits with texts that hold no credentials. */
export function redactHits(hits: IndicatorHit[]): IndicatorHit[] {
  return changed(hits, (hit) => {
    const evidence = redactLine(hit.evidence);
    const why = redactLine(hit.why);
    return evidence === hit.evidence && why === hit.why ? hit : { ...hit, evidence, why };
  });
}

/** A line may hold a command line: words after its colon are read as one. */
export function redactLine(line: string): string {
  if (!mayBeMasked(line)) return line;
  const at = line.indexOf(': ');
  if (at < 0) return redactText(line);
  const words = line.slice(at + 2).split(' ');
  return redactText(`${line.slice(0, at + 2)}${maskWords(words).join(' ')}`);
}
