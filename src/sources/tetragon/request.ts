import {
  eventTypeValues,
  fieldFilterActionValues,
  fieldFilterFields,
  filterFields,
  getEventsRequestFields,
} from './fields.ts';

/** What `eventsRequest` makes: the values of a message's fields by name. */
type Message = Readonly<Record<string, unknown>>;

/**
 * A GetEventsRequest on the wire. Every type of field it has is known by its value: texts, numbers (packed), names of
 * event types (packed), wrapped booleans, field masks, messages. Throws where a name is no field of ours.
 */
export function encodeEventsRequest(request: object): Buffer {
  const { allow_list, deny_list, field_filters } = request as Record<string, Message[] | undefined>;
  const fields = getEventsRequestFields;
  return Buffer.concat([
    ...(allow_list ?? []).map((one) => bytesField(fields.allow_list, encode(one, filterFields))),
    ...(deny_list ?? []).map((one) => bytesField(fields.deny_list, encode(one, filterFields))),
    ...(field_filters ?? []).map((one) => bytesField(fields.field_filters, encode(one, fieldFilterFields))),
  ]);
}

function encode(message: Message, fields: Readonly<Record<string, number>>): Buffer {
  const parts = Object.entries(message).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const number = fields[name];
    if (number === undefined) throw new Error(`a filter of Tetragon has no field ${name}`);
    return field(number, name, value);
  });
  return Buffer.concat(parts);
}

function field(number: number, name: string, value: unknown): Buffer[] {
  if (name === 'event_set')
    return packed(
      number,
      (value as string[]).map((type) => named(eventTypeValues, type)),
    );
  if (name === 'action') return [varint(number * 8), varint(named(fieldFilterActionValues, String(value)))];
  if (Array.isArray(value)) {
    if (typeof value[0] === 'number') return packed(number, value as number[]);
    return value.map((text) => bytesField(number, Buffer.from(String(text))));
  }
  return [bytesField(number, wrapped(value as { value?: boolean; paths?: string[] }))];
}

/** A google.protobuf.BoolValue or FieldMask: each has its one field under number 1. */
function wrapped({ value, paths }: { value?: boolean; paths?: string[] }): Buffer {
  if (paths !== undefined) return Buffer.concat(paths.map((path) => bytesField(1, Buffer.from(path))));
  return value === true ? Buffer.from([8, 1]) : Buffer.alloc(0);
}

function named(values: Readonly<Record<string, number>>, name: string): number {
  const value = values[name];
  if (value === undefined) throw new Error(`Tetragon knows no ${name}`);
  return value;
}

function packed(number: number, values: readonly number[]): Buffer[] {
  return values.length === 0 ? [] : [bytesField(number, Buffer.concat(values.map(varint)))];
}

function bytesField(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** Unsigned, exact up to 2^53. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}
