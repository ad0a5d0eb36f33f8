import { fileURLToPath } from 'node:url';
import { utf8, Walk } from '../../lib/wire.ts';
import { getVersionResponseFields } from './fields.ts';
import { encodeEventsRequest } from './request.ts';

/** A call with one answer. */
export interface UnaryMethod<Answer> {
  path: string;
  requestSerialize(request: object): Buffer;
  responseDeserialize(bytes: Buffer): Answer;
}

/**
 * The calls of tetragon.FineGuidanceSensors, from proto/tetragon. Events stay bytes: see early.ts. Written and read
 * by hand: loading @grpc/proto-loader and the .proto files for them cost 40 ms of CPU and 8 MB at each start.
 */
export interface TetragonProtocol {
  getEvents: { path: string; serialize(request: object): Buffer };
  getVersion: UnaryMethod<{ version: string }>;
  /** That it answers is all we ask. */
  getHealth: UnaryMethod<object>;
}

/** The folder of our .proto files. */
export const protoFolder = fileURLToPath(new URL('../../../proto', import.meta.url));

const service = '/tetragon.FineGuidanceSensors';
const nothing = () => Buffer.alloc(0);
const protocol: TetragonProtocol = {
  getEvents: { path: `${service}/GetEvents`, serialize: encodeEventsRequest },
  getVersion: {
    path: `${service}/GetVersion`,
    requestSerialize: nothing,
    responseDeserialize: (bytes) => ({ version: versionIn(bytes) }),
  },
  getHealth: { path: `${service}/GetHealth`, requestSerialize: nothing, responseDeserialize: () => ({}) },
};

export function tetragonProtocol(): TetragonProtocol {
  return protocol;
}

/** Throws WireError on what is no message; empty where no version is told. */
function versionIn(bytes: Buffer): string {
  const walk = new Walk(bytes);
  let version = '';
  while (walk.next())
    if (walk.field === getVersionResponseFields.version && walk.type === 2)
      version = utf8(bytes, walk.start, walk.end);
  return version;
}
