import { describe, expect, it } from 'vitest';
import { parseEndpoint } from '../../src/sources/endpoint.ts';

describe('address of a sensor', () => {
  it.each([
    [
      'unix:///run/falco/falco.sock',
      { kind: 'unix', path: '/run/falco/falco.sock', target: 'unix:///run/falco/falco.sock' },
    ],
    ['unix:/run/a.sock', { kind: 'unix', path: '/run/a.sock', target: 'unix:///run/a.sock' }],
    ['/run/a.sock', { kind: 'unix', path: '/run/a.sock', target: 'unix:///run/a.sock' }],
    ['localhost:54321', { kind: 'tcp', host: 'localhost', port: 54_321, target: 'localhost:54321' }],
    [
      'dns:///falco.falco.svc:5060',
      { kind: 'tcp', host: 'falco.falco.svc', port: 5060, target: 'falco.falco.svc:5060' },
    ],
    ['[::1]:5060', { kind: 'tcp', host: '::1', port: 5060, target: '[::1]:5060' }],
  ])('reads %s', (address, expected) => {
    expect(parseEndpoint(address)).toEqual({ address, ...expected });
  });

  it.each([
    '',
    'localhost',
    'localhost:0',
    'localhost:70000',
    'http://localhost:80',
    '::1:5060',
    'unix:run/a.sock',
    'a b:1',
  ])('refuses %j with what is expected instead', (address) => {
    expect(parseEndpoint(address)).toMatch(/unix:\/\/\//);
  });
});
