import { fileURLToPath } from 'node:url';
import type { MethodDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** The calls of tetragon.FineGuidanceSensors, from proto/tetragon. Events stay bytes: see early.ts. */
export interface TetragonProtocol {
  getEvents: { path: string; serialize(request: object): Buffer };
  getVersion: MethodDefinition<object, { version: string }>;
  getHealth: MethodDefinition<object, { health_status: { status: string; details: string }[] }>;
}

/** Loading costs some 50 ms of CPU, so it happens at the first connection and once. */
let loaded: TetragonProtocol | undefined;

/** The folder of our .proto files. */
export const protoFolder = fileURLToPath(new URL('../../../proto', import.meta.url));

export function tetragonProtocol(): TetragonProtocol {
  if (loaded !== undefined) return loaded;
  const service = loadSync('sensors.proto', {
    includeDirs: [`${protoFolder}/tetragon`],
    keepCase: true,
    enums: String,
    longs: Number,
    defaults: true,
  })['tetragon.FineGuidanceSensors'] as unknown as Record<string, MethodDefinition<object, object>>;
  const events = service.GetEvents!;
  loaded = {
    getEvents: { path: events.path, serialize: events.requestSerialize },
    getVersion: service.GetVersion as MethodDefinition<object, { version: string }>,
    getHealth: service.GetHealth as TetragonProtocol['getHealth'],
  };
  return loaded;
}
