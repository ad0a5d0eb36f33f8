import { status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { grpcStatus, grpcStatusName } from '../../src/sources/grpc-status.ts';

it('the status codes are those of @grpc/grpc-js, with their names', () => {
  const theirs = Object.entries(status).filter(([, value]) => typeof value === 'number');
  expect(Object.entries(grpcStatus)).toEqual(theirs);
  expect(grpcStatusName(14)).toBe('UNAVAILABLE');
  expect(grpcStatusName(99)).toBe('99');
});
