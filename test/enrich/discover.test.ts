import { mkdirSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chooseSockets } from '../../src/enrich/discover.ts';
import { startCriServer } from '../support/cri-server.ts';
import { startDockerServer } from '../support/docker-server.ts';
import { type Rig, rig, socketFolder, until } from '../support/enriching.ts';

let folder: ReturnType<typeof socketFolder>;
let ends: (() => unknown)[];

beforeEach(() => {
  folder = socketFolder();
  ends = [];
});
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  folder.remove();
});

function place(path: string): string {
  mkdirSync(dirname(folder.at(path)), { recursive: true });
  return folder.at(path);
}

async function listenAt(path: string): Promise<void> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(place(path), resolve));
  ends.push(() => server.close());
}

async function discovering(): Promise<Rig> {
  const made = rig({ kubernetes: { mode: 'off' } }, { root: folder.at('.'), discover_ms: 10 });
  ends.push(made.stop);
  await made.enricher.start(new AbortController().signal);
  return made;
}

it('finds the sockets in the usual places, each once, also those of a mounted host', async () => {
  await listenAt('run/containerd/containerd.sock');
  await listenAt('run/docker.sock');
  mkdirSync(folder.at('var'));
  symlinkSync(folder.at('run'), folder.at('var/run'));
  await listenAt('host/run/crio/crio.sock');
  const found = chooseSockets('auto', folder.at('.')).map(({ socket, type }) => [
    socket.replace(folder.at('.'), ''),
    type,
  ]);
  expect(found).toEqual([
    ['/run/containerd/containerd.sock', 'cri'],
    ['/run/docker.sock', 'docker'],
    ['/host/run/crio/crio.sock', 'cri'],
  ]);
});

it('passes over what is no socket', () => {
  mkdirSync(place('run/docker.sock'), { recursive: true });
  expect(chooseSockets('auto', folder.at('.'))).toEqual([]);
});

it("passes over Docker's containerd, which does not serve CRI", async () => {
  const bare = new grpc.Server();
  const path = place('run/containerd/containerd.sock');
  await new Promise<void>((resolve) => {
    bare.bindAsync(`unix://${path}`, grpc.ServerCredentials.createInsecure(), () => resolve());
  });
  ends.push(() => bare.forceShutdown());
  const docker = await startDockerServer(place('run/docker.sock'));
  ends.push(docker.stop);
  const made = await discovering();
  expect(made.enricher.health()).toMatchObject([
    { name: `docker:${folder.at('.')}/run/docker.sock`, state: 'ok' },
  ]);
});

it('finds a runtime that comes later', async () => {
  const made = await discovering();
  expect(made.enricher.health()).toMatchObject([{ state: 'off', code: 'enrich_no_source' }]);
  const cri = await startCriServer(place('run/crio/crio.sock'));
  ends.push(cri.stop);
  await until(() => made.enricher.health()[0]!.state === 'ok', 'the runtime to be found');
});
