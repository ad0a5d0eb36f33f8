import { randomBytes } from 'node:crypto';
import { chooseSockets } from '../../enrich/discover.ts';
import { type FalcoInstall, findFalco } from '../host/falco.ts';
import type { Host } from '../host/host.ts';
import { findTetragon, type TetragonInstall } from '../host/tetragon.ts';
import { type Advice, deniedAdvice, grpcAdvice, httpAdvice, rulesAdvice } from './advice.ts';

/** A source as it will stand in the configuration. */
export interface PlannedSource {
  name: 'tetragon' | 'falco';
  type: 'tetragon' | 'tetragon_file' | 'falco_grpc' | 'falco_http';
  /** Why this one; each becomes a comment. */
  why: string[];
  /** Further keys, in order. */
  keys: [string, string][];
  /** The canary can be expected to be reported. */
  canary: boolean;
  /** What has to be done before events come. */
  advice: Advice[];
}

/** What was found on a host, and what is made of it. */
export interface Plan {
  tetragon?: TetragonInstall;
  falco?: FalcoInstall;
  /** Container runtimes that were found. */
  runtimes: { socket: string; type: string }[];
  /** A kubelet keeps its files here. */
  kubernetes: boolean;
  /** The source that is used. */
  source?: PlannedSource;
  /** One that could be used besides. */
  spare?: PlannedSource;
  advice: Advice[];
}

export interface PlanOptions {
  /** The part of the URL by which Falco is known to be Falco. */
  secret?: string;
}

/** Looks at the host's files and decides. One source is used: two sensors of one host tell each finding twice. */
export function planFor(host: Host, options: PlanOptions = {}): Plan {
  const tetragon = findTetragon(host);
  const falco = findFalco(host);
  const secret = options.secret ?? randomBytes(16).toString('hex');
  const planned = [
    ...(tetragon === undefined ? [] : [tetragonSource(tetragon)]),
    ...(falco === undefined ? [] : [falcoSource(falco, secret)]),
  ].sort((a, b) => obstacles(a) - obstacles(b));
  const [source, spare] = planned;
  return {
    ...(tetragon !== undefined && { tetragon }),
    ...(falco !== undefined && { falco }),
    runtimes: chooseSockets('auto', host.root === '/' ? '' : host.root).map(({ socket, type }) => ({
      socket: host.root === '/' ? socket : socket.slice(host.root.length),
      type,
    })),
    kubernetes: host.stat('/var/lib/kubelet')?.isDirectory() ?? false,
    ...(source !== undefined && { source }),
    ...(spare !== undefined && { spare }),
    advice: source === undefined ? [nothingFound] : source.advice,
  };
}

const nothingFound: Advice = {
  weight: 'missing',
  text: 'neither Tetragon nor Falco was found on this host: Lanner reads what one of them reports. Install one, or point a configuration of deploy/config at it',
  lines: ['https://tetragon.io/docs/installation/', 'https://falco.org/docs/setup/'],
};

/** What must be done first decides; between equals the first stays: Tetragon tells arguments exactly. */
function obstacles({ advice }: PlannedSource): number {
  return advice.filter(({ weight }) => weight === 'missing').length;
}

function tetragonSource(tetragon: TetragonInstall): PlannedSource {
  const { version, address, exportFile, configured, metricsPort } = tetragon;
  const about = `Tetragon${version === undefined ? '' : ` ${version}`}: ${tetragon.found.join(', ')}`;
  const metrics: [string, string][] =
    metricsPort === undefined ? [] : [['metrics_url', `"http://127.0.0.1:${metricsPort}/metrics"`]];
  if (address === undefined && exportFile !== undefined)
    return {
      name: 'tetragon',
      type: 'tetragon_file',
      why: [
        about,
        'Its gRPC socket was not found; it exports to a file, which may leave out events (its export filters).',
      ],
      keys: [['path', exportFile]],
      canary: false,
      advice: [],
    };
  return {
    name: 'tetragon',
    type: 'tetragon',
    why: [
      about,
      ...(metricsPort === undefined
        ? []
        : ["The agent's own metrics are the only place that tells of events it lost."]),
    ],
    keys: [['address', address ?? configured ?? 'unix:///var/run/tetragon/tetragon.sock'], ...metrics],
    canary: true,
    advice: address === undefined ? [notListening(tetragon)] : [],
  };
}

function notListening({ process, configured }: TetragonInstall): Advice {
  const off =
    configured === ''
      ? 'its gRPC server is switched off (server-address is empty)'
      : 'it listens at no address that was looked at';
  return {
    weight: 'missing',
    text:
      process === undefined
        ? 'Tetragon is installed and does not run'
        : `Tetragon runs, and ${off}: give it a unix socket, then restart it`,
    lines:
      process === undefined
        ? ['systemctl enable --now tetragon']
        : ['echo -n unix:///var/run/tetragon/tetragon.sock > /etc/tetragon/tetragon.conf.d/server-address'],
  };
}

function falcoSource(falco: FalcoInstall, secret: string): PlannedSource {
  const about = `Falco${falco.version === undefined ? '' : ` ${falco.version}`}: ${falco.found.join(', ')}`;
  const common = [...deniedAdvice(falco), ...rulesAdvice(falco)];
  const { config } = falco;
  const overTcp = config !== undefined && !config.bindAddress.startsWith('unix:') && config.grpc;
  if (falco.hasGrpc ?? falco.socket !== undefined) {
    const notRunning = falco.process === undefined && falco.socket === undefined ? [startFalco] : [];
    return {
      name: 'falco',
      type: 'falco_grpc',
      why: [
        about,
        'No other client may read the same gRPC output (falco-exporter, a second Lanner): each alert goes to one only.',
        ...(overTcp ? ['Over TCP Falco demands a client certificate that its root_certs vouch for.'] : []),
      ],
      keys: overTcp
        ? [
            ['address', config.bindAddress.replace(/^0\.0\.0\.0:/, '127.0.0.1:')],
            [
              'tls',
              '{ca_file: /etc/lanner/falco/ca.crt, cert_file: /etc/lanner/falco/client.crt, key_file: /etc/lanner/falco/client.key}',
            ],
          ]
        : [['address', `unix://${falco.socket ?? socketIn(config?.bindAddress)}`]],
      canary: true,
      advice: [...notRunning, ...grpcAdvice(falco), ...common],
    };
  }
  const path = `/${secret}`;
  const url = `http://127.0.0.1:2810${path}`;
  const before = config?.httpOutput === true && config.httpUrl !== undefined ? config.httpUrl : undefined;
  return {
    name: 'falco',
    type: 'falco_http',
    why: [
      about,
      'It has no gRPC output (0.44 and later): it posts its alerts. It can send no token, so the path is the secret.',
      ...(before === undefined
        ? []
        : ['Falco has one such URL: every alert is passed on to the receiver that stood there.']),
    ],
    keys: [
      ['listen', '127.0.0.1:2810'],
      ['path', path],
      ...(before === undefined ? [] : [['relay', `{url: ${JSON.stringify(before)}}`] as [string, string]]),
    ],
    canary: true,
    advice: [...(falco.process === undefined ? [startFalco] : []), ...httpAdvice(falco, url), ...common],
  };
}

const startFalco: Advice = {
  weight: 'missing',
  text: 'Falco is installed and was not seen running',
  lines: ['systemctl enable --now falco'],
};

function socketIn(bindAddress: string | undefined): string {
  return /^unix:\/{0,2}(\/.+)$/.exec(bindAddress ?? '')?.[1] ?? '/run/falco/falco.sock';
}
