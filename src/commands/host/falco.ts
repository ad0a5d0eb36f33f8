import { parseDocument } from 'yaml';
import type { Host } from './host.ts';
import { packageVersion, unitOf } from './packages.ts';
import { flagOf, type HostProcess, listAs, processesOf, readAs } from './processes.ts';
import { listeningPorts } from './sockets.ts';

/** What this host shows of Falco, without asking it anything. */
export interface FalcoInstall {
  /** Words for an operator: where it was found. */
  found: string[];
  process?: HostProcess;
  version?: string;
  /** False from 0.44 on; by version, else by whether its configuration knows `grpc`. Undefined: not known. */
  hasGrpc?: boolean;
  configFile: string;
  /** Its configuration could be read. */
  config?: FalcoSettings;
  /** The file is there and this user may not read it. */
  denied: boolean;
  /** Path of the gRPC socket, if it is there. */
  socket?: string;
  /** Rules files that hold a rule of ours, by the rules they hold. */
  ourRules: string[];
  webserverPort?: number;
}

/** The settings of falco.yaml that matter to a reader of its alerts; its own defaults filled in. */
export interface FalcoSettings {
  jsonOutput: boolean;
  grpc: boolean;
  grpcOutput: boolean;
  bindAddress: string;
  httpOutput: boolean;
  httpUrl?: string;
  rulesFiles: string[];
  priority: string;
  metricsEnabled: boolean;
}

const usualConfig = '/etc/falco/falco.yaml';
const usualSockets = ['/run/falco/falco.sock', '/var/run/falco/falco.sock'];
const units = [
  'falco.service',
  'falco-modern-bpf.service',
  'falco-bpf.service',
  'falco-kmod.service',
  'falco-custom.service',
];
export const ourRuleNames = [
  'Lanner Suspicious Exec In Container',
  'Lanner Every Exec In Container',
  'Lanner Canary',
];

/** Undefined if there is no sign of it. */
export function findFalco(host: Host): FalcoInstall | undefined {
  const process = processesOf(host).find(({ name }) => name === 'falco');
  const configFile = (process && flagOf(process.args, '-c', '--config')) ?? usualConfig;
  const text = readAs(host, process, configFile);
  const denied = text === undefined && host.isDenied(configFile);
  const raw = text === undefined ? undefined : settingsOf(host, process, text);
  const config = raw === undefined ? undefined : readSettings(raw);
  const version = packageVersion(host, process, 'falco');
  const unit = unitOf(host, units);
  const bound = /^unix:\/{0,2}(\/.+)$/.exec(config?.bindAddress ?? '')?.[1];
  const socket = [...(bound === undefined ? [] : [bound]), ...usualSockets].find(host.isSocket);
  const hasGrpc = version === undefined ? knowsGrpc(raw) : isBefore44(version);
  const webserver = listeningPorts(host).has(8765) ? 8765 : undefined;
  const found = [
    ...(process === undefined ? [] : [`process ${process.pid} (${process.args[0]})`]),
    ...(unit === undefined ? [] : [unit]),
    ...(text === undefined && !denied ? [] : [configFile]),
    ...(socket === undefined ? [] : [socket]),
  ];
  if (found.length === 0) return undefined;
  return {
    found,
    ...(process !== undefined && { process }),
    ...(version !== undefined && { version }),
    ...(hasGrpc !== undefined && { hasGrpc }),
    configFile,
    ...(config !== undefined && { config }),
    denied,
    ...(socket !== undefined && { socket }),
    ourRules: config === undefined ? [] : rulesOf(host, process, config.rulesFiles),
    ...(webserver !== undefined && { webserverPort: webserver }),
  };
}

/** True for versions that have a gRPC output, and exit on invalid UTF-8 with `json_output: true`. */
export function isBefore44(version: string): boolean {
  const match = /^v?0\.(\d+)(?:\.|$)/.exec(version);
  return match !== null && Number(match[1]) < 44;
}

/** The stock falco.yaml up to 0.43 has the block, enabled or not; from 0.44 on it is refused. */
function knowsGrpc(raw: Json | undefined): boolean | undefined {
  if (raw === undefined) return undefined;
  return 'grpc' in raw || 'grpc_output' in raw;
}

type Json = Record<string, unknown>;

/** falco.yaml, what its config_files add (later keys win, as a whole), and `-o` of the command line. */
function settingsOf(host: Host, process: HostProcess | undefined, text: string): Json {
  const merged = objectOf(text);
  const more = Array.isArray(merged.config_files) ? merged.config_files : ['/etc/falco/config.d'];
  for (const path of more.map(String)) {
    const inside = listAs(host, process, path).filter((name) => /\.ya?ml$/.test(name));
    const files = inside.length > 0 ? inside.map((name) => `${path.replace(/\/$/, '')}/${name}`) : [path];
    for (const file of files) Object.assign(merged, objectOf(readAs(host, process, file) ?? ''));
  }
  for (const [at, arg] of (process?.args ?? []).entries()) {
    const option = arg === '-o' ? process!.args[at + 1] : /^-o(.+)$/.exec(arg)?.[1];
    if (option !== undefined) setOption(merged, option);
  }
  return merged;
}

/** `grpc.enabled=true` */
function setOption(settings: Json, option: string): void {
  const [path = '', value = ''] = option.split(/=(.*)/s);
  const keys = path.split('.');
  let at = settings;
  for (const key of keys.slice(0, -1)) {
    if (!isObject(at[key])) at[key] = {};
    at = at[key] as Json;
  }
  at[keys.at(-1)!] = value === 'true' ? true : value === 'false' ? false : value;
}

function objectOf(text: string): Json {
  try {
    const value: unknown = parseDocument(text).toJS({ maxAliasCount: 100 });
    return isObject(value) ? { ...value } : {};
  } catch {
    return {};
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readSettings(raw: Json): FalcoSettings {
  const part = (key: string) => (isObject(raw[key]) ? (raw[key] as Json) : {});
  const http = part('http_output');
  const rules = raw.rules_files ?? raw.rules_file;
  return {
    jsonOutput: raw.json_output === true,
    grpc: part('grpc').enabled === true,
    grpcOutput: part('grpc_output').enabled === true,
    bindAddress: String(part('grpc').bind_address ?? 'unix:///run/falco/falco.sock'),
    httpOutput: http.enabled === true,
    ...(typeof http.url === 'string' && http.url !== '' && { httpUrl: http.url }),
    rulesFiles: Array.isArray(rules) ? rules.map(String) : [],
    priority: String(raw.priority ?? 'debug'),
    metricsEnabled: part('metrics').enabled === true || part('webserver').prometheus_metrics_enabled === true,
  };
}

/** Names of our rules in these files; folders are looked through. */
function rulesOf(host: Host, process: HostProcess | undefined, paths: readonly string[]): string[] {
  const texts = paths.flatMap((path) => {
    const inside = listAs(host, process, path).filter((name) => /\.ya?ml$/.test(name));
    const files = inside.length > 0 ? inside.map((name) => `${path.replace(/\/$/, '')}/${name}`) : [path];
    return files.map((file) => readAs(host, process, file) ?? '');
  });
  return ourRuleNames.filter((rule) => texts.some((text) => text.includes(`- rule: ${rule}\n`)));
}
