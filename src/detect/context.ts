/** Everything an indicator may look at, worked out once for one execution of one tool. */

import type { StateFacts } from '../model/intake.ts';
import type { AncestorView } from './chain.ts';
import type { Evidence, EvidenceProcess } from './evidence.ts';
import { type ImageName, imageName } from './image.ts';
import type { Invocation, Peer } from './invocation.ts';
import type { Location, Surroundings } from './location.ts';
import { normalizePath } from './location.ts';
import { baseName } from './names.ts';
import type { ExecutedFile, Resolution } from './program.ts';
import type { Relation } from './relations.ts';
import type { Settings } from './settings.ts';
import type { Tool } from './tools/index.ts';

/** A file that runs, and where it lies. */
export interface LocatedFile extends ExecutedFile {
  location: Location;
}

/** An ancestor's program or script, and where it lies. */
export interface LocatedAncestor {
  ancestor: AncestorView;
  path: string;
  role: 'program' | 'script';
  location: Location;
}

/** Facts of the event that do not depend on the tool. */
export interface EventFacts {
  event: Evidence;
  process: EvidenceProcess;
  settings: Settings;
  chain: readonly AncestorView[];
  image: ImageName;
  surroundings: Surroundings;
  /** Web or application server, or database, above; nearest. */
  server: AncestorView | undefined;
  build: AncestorView | undefined;
  scheduler: AncestorView | undefined;
  /** A shell above runs this script, from an ordinary place. */
  start_script: string | undefined;
  /** A person seems to sit in front of it. */
  interactive: boolean;
  probe: boolean;
  /** The container's own first process, or the command of its own `sh -c`. */
  own_process: boolean;
  ancestor_locations: readonly LocatedAncestor[];
  /** A known build step's script above (Jenkins, Airflow, Tekton, Argo). */
  build_step: string | undefined;
  state: Pick<StateFacts, 'chain'>;
}

/** One tool's execution. */
export interface Context extends EventFacts {
  tool: Tool;
  category: string;
  resolution: Resolution;
  invocation: Invocation;
  files: readonly LocatedFile[];
  /** How it stands in a shell's string; `own_string` if the shell itself is what was executed. */
  relation: Relation | undefined;
  own_string: boolean;
  /** Peers it connects to or asks, proxies and resolvers left out. */
  targets: readonly Peer[];
  /** Every peer lies in this network namespace and nothing sends the traffic elsewhere. */
  loopback_only: boolean;
  purpose_image: boolean;
}

/** Works out the facts of an event. */
export function eventFacts(event: Evidence, settings: Settings, state: EventFacts['state']): EventFacts {
  const { process } = event;
  const chain = settings.read.chain(event);
  const image = imageName(event);
  const surroundings = surroundingsOf(event, chain, image);
  const ancestorLocations = locateAncestors(chain, settings, surroundings);
  const server = chain.find((ancestor) => ancestor.role === 'server');
  const build = chain.find((ancestor) => ancestor.role === 'build');
  const scheduler = chain.find((ancestor) => ancestor.role === 'scheduler');
  const step = ancestorLocations.find((entry) => entry.location.expected !== undefined)?.location.expected;
  const probe = isProbe(event, chain);
  const script = startScript(chain, ancestorLocations);
  return {
    event,
    process,
    settings,
    chain,
    image,
    surroundings,
    server: server === undefined || belongsToBuild(server, chain) ? undefined : server,
    build,
    scheduler,
    start_script: script,
    interactive: isInteractive(process, chain, probe),
    probe,
    own_process: isOwnProcess(event, chain),
    ancestor_locations: ancestorLocations,
    build_step: step,
    state,
  };
}

/** A server below a build (tests that start one) is no attacked server. */
function belongsToBuild(server: AncestorView, chain: readonly AncestorView[]): boolean {
  const at = chain.indexOf(server);
  return chain.slice(at + 1).some((ancestor) => ancestor.role === 'build');
}

function surroundingsOf(event: Evidence, chain: readonly AncestorView[], image: ImageName): Surroundings {
  const names = new Set(chain.flatMap((ancestor) => [...ancestor.names]));
  const java = chain.filter((ancestor) => ancestor.names.includes('java'));
  return {
    image,
    mounts: event.container?.mounts,
    hasAncestor: (name) => names.has(name),
    javaArguments: java
      .map((ancestor) => ancestor.program.argv.join(' '))
      .join(' ')
      .slice(0, 16_384),
  };
}

const WEB_LANGUAGE = /^(?:php|python|node|ruby|perl|nodejs|bun|deno|uwsgi|gunicorn|puma)/;

function locateAncestors(
  chain: readonly AncestorView[],
  settings: Settings,
  surroundings: Surroundings,
): LocatedAncestor[] {
  const located: LocatedAncestor[] = [];
  for (const ancestor of chain) {
    const { program } = ancestor;
    const paths = new Set([program.binary, program.exe].filter((path) => path !== undefined && path !== ''));
    for (const path of paths) {
      if (path === undefined || path === ancestor.script) continue;
      const location = settings.locate(normalizePath(path, program.cwd), surroundings);
      located.push({ ancestor, path: location.path, role: 'program', location });
    }
    if (ancestor.script === undefined) continue;
    const location = settings.locate(normalizePath(ancestor.script, program.cwd), surroundings);
    // The application itself: scripts of the server's own language live in its web root.
    const application = WEB_LANGUAGE.test(ancestor.names.find((name) => WEB_LANGUAGE.test(name)) ?? '');
    const classes = application ? location.classes.filter((name) => name !== 'web_root') : location.classes;
    located.push({ ancestor, path: location.path, role: 'script', location: { ...location, classes } });
  }
  return located;
}

function startScript(
  chain: readonly AncestorView[],
  located: readonly LocatedAncestor[],
): string | undefined {
  for (const ancestor of chain) {
    if (ancestor.role !== 'shell') continue;
    if (ancestor.script === undefined) continue;
    const place = located.find((entry) => entry.ancestor === ancestor && entry.role === 'script');
    const suspicious =
      place?.location.classes.some((name) => name !== 'hidden' && name !== 'unusual') ?? false;
    return suspicious ? undefined : ancestor.script;
  }
  return undefined;
}

function isProbe(event: Evidence, chain: readonly AncestorView[]): boolean {
  if (event.process.exec_probe) return true;
  const probes = event.container?.probes;
  if (!probes || probes.length === 0 || event.process.in_init_tree === true) return false;
  const candidates = [event.process.argv, ...chain.slice(0, 3).map((ancestor) => ancestor.program.argv)];
  return candidates.some((argv) => probes.some((probe) => sameCommand(probe, argv)));
}

function sameCommand(probe: readonly string[], argv: readonly string[]): boolean {
  const tail = (words: readonly string[]) => words.slice(1).join(' ').trim();
  const base = (word: string | undefined) => word?.slice(word.lastIndexOf('/') + 1);
  return base(probe[0]) === base(argv[0]) && tail(probe) === tail(argv);
}

function isInteractive(process: EvidenceProcess, chain: readonly AncestorView[], probe: boolean): boolean {
  if (process.tty !== undefined) return process.tty;
  if (process.in_init_tree !== false || probe) return false;
  const parent = chain[0];
  return (
    parent === undefined ||
    (parent.role === 'shell' && parent.script === undefined && parent.shell_string === undefined)
  );
}

function isOwnProcess(event: Evidence, chain: readonly AncestorView[]): boolean {
  if (!belongsToInit(event)) return false;
  const above = chain.filter((ancestor) => ancestor.role !== 'init');
  if (above.length === 0) return true;
  return above.length === 1 && above[0]!.shell_string !== undefined;
}

/** Directly below the shim where the sensor does not know the tree: entering goes through runc. */
function belongsToInit(event: Evidence): boolean {
  const { in_init_tree: known, tty } = event.process;
  if (known !== undefined || tty !== false) return known === true;
  const outside = event.ancestors.find((ancestor) => ancestor.place === 'outside');
  const name = baseName(outside?.exe ?? outside?.binary ?? outside?.comm ?? '');
  return /^(?:containerd-shim|conmon)/.test(name);
}

export interface ToolParts {
  tool: Tool;
  resolution: Resolution;
  invocation: Invocation;
  relation: Relation | undefined;
  own_string: boolean;
}

/** Puts the facts of a tool's execution on top of those of the event. */
export function toolContext(facts: EventFacts, parts: ToolParts): Context {
  const { invocation, tool } = parts;
  const targets = invocation.peers.filter((peer) => peer.role === 'connect');
  const category =
    invocation.forwards.length > 0 && (tool.id === 'ssh' || tool.id === 'dbclient')
      ? 'tunnel'
      : tool.category;
  // Written out instead of spread: one shape for all contexts, and this is on the way of every event that counts.
  return {
    event: facts.event,
    process: facts.process,
    settings: facts.settings,
    chain: facts.chain,
    image: facts.image,
    surroundings: facts.surroundings,
    server: facts.server,
    build: facts.build,
    scheduler: facts.scheduler,
    start_script: facts.start_script,
    interactive: facts.interactive,
    probe: facts.probe,
    own_process: facts.own_process,
    ancestor_locations: facts.ancestor_locations,
    build_step: facts.build_step,
    state: facts.state,
    tool,
    resolution: parts.resolution,
    relation: parts.relation,
    own_string: parts.own_string,
    invocation,
    category,
    files: locateFiles(facts, parts.resolution),
    targets,
    loopback_only: isLoopbackOnly(invocation),
    purpose_image: facts.settings.isPurpose(facts.image, tool),
  };
}

function locateFiles(facts: EventFacts, resolution: Resolution): LocatedFile[] {
  const { process, settings, surroundings } = facts;
  return resolution.files.map((file) => {
    const own = file.role === 'program';
    const deleted =
      own && (process.file?.deleted === true || (process.file?.unlinked === true && !process.file.memfd));
    const location = settings.locate(normalizePath(file.path, process.cwd), surroundings, deleted);
    return { ...file, location };
  });
}

/** Peers that decide: for DNS tools the servers asked, where they are named. */
function isLoopbackOnly(invocation: Invocation): boolean {
  if (invocation.redirects.length > 0 || invocation.hidden_targets.length > 0) return false;
  const decisive = invocation.peers.filter(
    (peer) => peer.role === 'connect' || peer.role === 'resolver' || peer.role === 'proxy',
  );
  return decisive.length > 0 && decisive.every((peer) => peer.class === 'loopback');
}
