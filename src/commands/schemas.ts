/** The JSON Schemas of what the format `lanner` sends, deploy/reference/*.schema.json. */
import { z } from 'zod';
import { deliveredFindingSchema, noticeSchema } from '../model/finding-schema.ts';

/** JSON Schema (2020-12) of `lanner.finding/v1` as it is delivered, always the same for the same code. */
export function findingJsonSchema(): string {
  return rendered(
    deliveredFindingSchema,
    'lanner.finding/v1',
    'A network utility executed in a container, as Lanner reports it. Keys may be added: ignore those you do not know.',
  );
}

/** JSON Schema (2020-12) of `lanner.notice/v1`. */
export function noticeJsonSchema(): string {
  return rendered(
    noticeSchema,
    'lanner.notice/v1',
    "Lanner's own trouble, with start and end. Keys may be added: ignore those you do not know.",
  );
}

function rendered(schema: z.ZodType, title: string, description: string): string {
  const generated = z.toJSONSchema(schema, {
    // As it is taken: objects stay open, since v1 grows by addition.
    io: 'input',
    override({ jsonSchema }) {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  const { $schema, ...rest } = generated;
  const id = `urn:lanner:schema:${title.replace('lanner.', '').replace('/', ':')}`;
  return `${JSON.stringify({ $schema, $id: id, title, description, ...rest }, null, 2)}\n`;
}
