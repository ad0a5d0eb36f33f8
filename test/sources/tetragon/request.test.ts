import { loadSync } from '@grpc/proto-loader';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventsRequest, tetragonSchema } from '../../../src/sources/tetragon/config.ts';
import { protoFolder, tetragonProtocol } from '../../../src/sources/tetragon/protocol.ts';
import { encodeEventsRequest } from '../../../src/sources/tetragon/request.ts';

/** @grpc/proto-loader on the same .proto files is the judge. */
const oracle = loadSync('sensors.proto', {
  includeDirs: [`${protoFolder}/tetragon`],
  keepCase: true,
  enums: String,
  longs: Number,
  defaults: true,
})['tetragon.FineGuidanceSensors'] as unknown as Record<
  string,
  {
    path: string;
    requestSerialize(request: object): Buffer;
    requestDeserialize(bytes: Buffer): object;
    responseSerialize(answer: object): Buffer;
  }
>;
const read = (bytes: Buffer) => oracle.GetEvents!.requestDeserialize(bytes);
const theirs = (request: object) => read(oracle.GetEvents!.requestSerialize(request));

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const texts = fc.array(text, { maxLength: 4 });
const events = fc.array(
  fc.constantFrom('PROCESS_EXEC', 'PROCESS_EXIT', 'RATE_LIMIT_INFO', 'PROCESS_THROTTLE'),
  { maxLength: 3 },
);
const filter = fc.record(
  {
    event_set: events,
    binary_regex: texts,
    namespace_regex: texts,
    health_check: fc.boolean(),
    in_init_tree: fc.boolean(),
    pid: fc.array(fc.nat(4_294_967_295), { maxLength: 4 }),
    container_id: texts,
    cel_expression: texts,
  },
  { requiredKeys: [] },
);
const fieldFilter = fc.record(
  {
    event_set: events,
    fields: fc.array(text, { minLength: 1, maxLength: 3 }),
    action: fc.constantFrom('INCLUDE' as const, 'EXCLUDE' as const),
  },
  { requiredKeys: ['fields'] },
);

describe('the request for events', () => {
  it('is the same message as that of @grpc/proto-loader, whatever is configured', () => {
    fc.assert(
      fc.property(
        fc.array(filter, { maxLength: 3 }),
        fc.array(filter, { maxLength: 2 }),
        fc.array(fieldFilter, { maxLength: 2 }),
        fc.boolean(),
        (allow, deny, field_filters, exits) => {
          const config = tetragonSchema.parse({ type: 'tetragon', allow, deny, field_filters, exits });
          const request = eventsRequest(config);
          expect(read(encodeEventsRequest(request))).toEqual(theirs(request));
        },
      ),
    );
  });

  it('refuses a field that it does not know', () => {
    expect(() => encodeEventsRequest({ allow_list: [{ no_such: ['x'] }] })).toThrow('no field no_such');
    expect(() => encodeEventsRequest({ allow_list: [{ event_set: ['NO_SUCH'] }] })).toThrow('no NO_SUCH');
  });
});

describe('the other calls', () => {
  const ours = tetragonProtocol();
  it('have the paths of the service', () => {
    expect([ours.getEvents.path, ours.getVersion.path, ours.getHealth.path]).toEqual(
      ['GetEvents', 'GetVersion', 'GetHealth'].map((call) => oracle[call]!.path),
    );
  });

  it.each(['v1.7.0', '', 'ü'])('read the version %j', (version) => {
    const bytes = oracle.GetVersion!.responseSerialize({ version });
    expect(ours.getVersion.responseDeserialize(bytes)).toEqual({ version });
  });
});
