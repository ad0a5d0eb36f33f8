import { createServer } from 'node:net';
import { messageOf } from '../../lib/errors.ts';
import { parseEndpoint } from '../../sources/endpoint.ts';
import { falcoVersion } from '../../sources/falco/index.ts';
import { type FalcoInstall, findFalco, isBefore44, ourRuleNames } from '../host/falco.ts';
import type { Host } from '../host/host.ts';
import { clientsOfPort, clientsOfSocket, holdersOf } from '../host/sockets.ts';
import {
  type Check,
  type Checkup,
  error,
  failed,
  ok,
  type Result,
  skipped,
  sourcesOf,
  warn,
} from './check.ts';

/** Asks for the version only: whatever fetches alerts takes them away from who reads them. */
export const falcoGrpc: Check = {
  id: 'falco_grpc',
  async run({ config, timeoutMs }) {
    return Promise.all(
      sourcesOf(config, 'falco_grpc').map(async ([name, one]) => {
        const about = `source ${name}`;
        const patience = {
          ...one,
          connect_timeout_secs: Math.min(one.connect_timeout_secs, timeoutMs / 1000),
        };
        const answer = await falcoVersion(patience, AbortSignal.timeout(timeoutMs * 2));
        if (typeof answer !== 'string') return failed(about, answer);
        return ok(about, `Falco ${answer} answers at ${one.address}; its alerts were left alone`);
      }),
    );
  },
};

/** A port that Lanner itself does not hold has to be free. */
export const falcoHttp: Check = {
  id: 'falco_http',
  async run({ config, running }) {
    return Promise.all(
      sourcesOf(config, 'falco_http').map(async ([name, { listen }]) => {
        const about = `source ${name}`;
        const held = running?.health?.sources.find((one) => one.name === name);
        if (held !== undefined)
          return held.state === 'ok'
            ? ok(about, `listens at ${listen}`)
            : error(about, held.reason ?? held.state, 'See `lanner health`.');
        const trouble = await bindable(listen);
        if (trouble === undefined) return ok(about, `${listen} can be listened at`);
        return error(
          about,
          `${listen} cannot be listened at: ${trouble}`,
          'Stop what listens there, or change `listen`.',
        );
      }),
    );
  },
};

function bindable(listen: string): Promise<string | undefined> {
  const [, host = '', port] = /^(?:\[?(.*?)\]?)?:(\d+)$/.exec(listen) ?? [];
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (trouble) => resolve(messageOf(trouble)));
    server.listen({ port: Number(port), ...(host !== '' && { host }) }, () =>
      server.close(() => resolve(undefined)),
    );
  });
}

/** How Falco is set up, by the files of this host. */
export const falcoSettings: Check = {
  id: 'falco_settings',
  run({ config, host, running }) {
    const readers = [...sourcesOf(config, 'falco_grpc'), ...sourcesOf(config, 'falco_http')];
    if (readers.length === 0) return [];
    const falco = findFalco(host);
    if (falco === undefined)
      return [skipped('falco', 'its files are not on this host: its settings are not known')];
    if (falco.config === undefined)
      return [
        skipped('falco', `${falco.configFile} cannot be read by this user: its settings are not known`),
      ];
    const told = readers.map(
      ([name]) => running?.health?.sources.find((one) => one.name === name)?.sensor_version,
    );
    const version = falco.version ?? told.find((one) => one !== undefined);
    return [
      jsonOutput(falco, version),
      rules(falco),
      ...priority(falco),
      ...readers.map(([name, { type }]) => reaches(name, type, falco)),
    ];
  },
};

function jsonOutput({ config, hasGrpc, configFile }: FalcoInstall, version: string | undefined): Result {
  const old = version === undefined ? hasGrpc : isBefore44(version);
  const what = `Falco ${version ?? (old ? 'up to 0.43' : 'from 0.44 on')}, json_output: ${config!.jsonOutput}`;
  if (config!.jsonOutput && old === true)
    return {
      ...error(
        'falco',
        `${what}: it exits when a rule prints an argument that is no valid UTF-8, as an attacker can make ours do`,
        `Set json_output: false in ${configFile} and read its gRPC output, or update to 0.44.`,
      ),
      code: 'falco_json_danger',
    };
  return ok('falco', what);
}

/** As Falco spells them, the most urgent first. */
const priorities = ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'informational', 'debug'];

/** Rules below `priority` are not loaded. Ours are NOTICE, the canary's and the one for every exec INFORMATIONAL. */
function priority({ config, configFile }: FalcoInstall): Result[] {
  const least = config!.priority.toLowerCase().replace(/^info$/, 'informational');
  const rank = priorities.indexOf(least);
  if (rank < 0 || rank >= priorities.indexOf('informational')) return [];
  const lost = rank < priorities.indexOf('notice') ? error : warn;
  const mend = `Set priority: informational (or debug) in ${configFile}.`;
  return [
    lost('falco', `priority: ${config!.priority} leaves out rules of Lanner's, the canary's at least`, mend),
  ];
}

function rules({ ourRules, config }: FalcoInstall): Result {
  const missing = ourRuleNames.filter((rule) => !ourRules.includes(rule));
  const mend = 'Load deploy/falco/lanner_rules.yaml (rules_files) and restart Falco.';
  if (ourRules.length === 0)
    return error(
      'falco',
      `none of its rules files (${config!.rulesFiles.join(', ')}) has Lanner's rules`,
      mend,
    );
  if (missing.length > 0)
    return warn('falco', `its rules are of another Lanner: ${missing.join(', ')} missing`, mend);
  return ok('falco', "Lanner's rules are among its rules files");
}

function reaches(name: string, type: string, { config, configFile }: FalcoInstall): Result {
  const about = `source ${name}`;
  if (type === 'falco_grpc')
    return config!.grpc && config!.grpcOutput
      ? ok(about, "Falco's grpc and grpc_output are on")
      : error(
          about,
          "Falco's grpc or grpc_output is off",
          `\`lanner init --out -\` prints the lines for ${configFile}.`,
        );
  if (!config!.httpOutput)
    return error(about, "Falco's http_output is off", `Switch it on in ${configFile}, with Lanner's URL.`);
  const url = config!.httpUrl ?? '';
  const shown = URL.canParse(url) ? new URL(url).host : 'no URL';
  return ok(about, `Falco posts to ${shown}`);
}

/** Falco hands each alert to one of its gRPC clients only. */
export const falcoConsumers: Check = {
  id: 'falco_consumers',
  run(checkup) {
    return sourcesOf(checkup.config, 'falco_grpc').map(([name, { address }]) =>
      competitors(name, address, checkup),
    );
  },
};

function competitors(name: string, address: string, { host, running }: Checkup): Result {
  const about = `source ${name}`;
  const endpoint = parseEndpoint(address);
  if (typeof endpoint === 'string') return skipped(about, endpoint);
  const own = running?.health?.sources.find((one) => one.name === name);
  const isConnected = running !== undefined && (own === undefined || own.state === 'ok');
  const ours = isConnected ? 1 : 0;
  if (endpoint.kind === 'tcp') return overTcp(about, endpoint.port ?? 0, ours, host);
  const clients = clientsOfSocket(host, endpoint.path ?? '');
  if (clients === undefined)
    return skipped(about, 'the connections of this host cannot be read (/proc/net/unix)');
  const seen = process.getuid?.() === 0 ? '' : '; as root more could be seen';
  if (clients <= ours) return ok(about, `no other client of Falco's gRPC output${seen}`);
  return others(about, `${clients - ours}`);
}

function overTcp(about: string, port: number, ours: number, host: Host): Result {
  const sockets = clientsOfPort(host, port);
  if (sockets.length <= ours) return ok(about, "no other client of Falco's gRPC output in this network");
  const pids = holdersOf(host, sockets);
  const named = pids.map((pid) => `${pid} ${(host.read(`/proc/${pid}/comm`) ?? '').trim()}`).join(', ');
  return others(about, `${sockets.length - ours}${named === '' ? '' : ` (connected: ${named})`}`);
}

function others(about: string, which: string): Result {
  return error(
    about,
    `other clients of Falco's gRPC output: ${which}; each alert goes to one of them only`,
    'Stop the others (falco-exporter, falco-client, a second Lanner), or let Falco post with http_output.',
  );
}
