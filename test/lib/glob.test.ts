import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileGlob } from '../../src/lib/glob.ts';

describe('globs', () => {
  test.each([
    ['/tmp/**', '/tmp/a/b', true],
    ['/tmp/**', '/tmpx/a', false],
    ['/tmp/**', '/tmp', false],
    ['/bin/*', '/bin/nc', true],
    ['/bin/*', '/bin/x/nc', false],
    ['/usr/bin/nc', '/usr/bin/nc', true],
    ['/usr/bin/nc', '/usr/bin/ncat', false],
    ['**/uploads/**', '/var/www/uploads/x', true],
    ['**/uploads/**', '/uploads/x', true],
    ['**/uploads/**', '/var/myuploads/x', false],
    ['**/script.sh', '/a/b/script.sh', true],
    ['**/script.sh', '/a/b/xscript.sh', false],
    ['zabbix*', 'zabbix-server', true],
    ['*-runner', 'gitlab-runner', true],
    ['*-runner', 'a/gitlab-runner', false],
    ['*/a', '/a', true],
    ['*/a', '/b/a', false],
    ['*vpn*', 'openvpn-as', true],
    ['/tmp/jenkins[0-9]*.sh', '/tmp/jenkins1733.sh', true],
    ['/tmp/jenkins[0-9]*.sh', '/tmp/jenkinsx.sh', false],
    ['/opt/bitnami/*/htdocs/**', '/opt/bitnami/wordpress/htdocs/x', true],
    ['/opt/bitnami/*/htdocs/**', '/opt/bitnami/a/b/htdocs/x', false],
    ['**/*@tmp/durable-*/script.sh*', '/w/job@tmp/durable-1/script.sh.copy', true],
    ['/a?c', '/abc', true],
    ['/a?c', '/a/c', false],
    ['/[!a]x', '/bx', true],
    ['/[!a]x', '/ax', false],
    ['a[b', 'a[b', true],
  ])('%s on %s is %s', (pattern, text, expected) => {
    expect(compileGlob(pattern)(text)).toBe(expected);
  });

  test('agree with a plain backtracking reading on any small pattern', () => {
    const piece = fc.constantFrom('a', 'b', '/', '*', '**', '?');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 6 }),
        fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 7 }),
        (pieces, chars) => {
          const pattern = pieces.join('');
          const text = chars.join('');
          const source = pattern.replace(/\*{2,}|\*|\?/g, (found) =>
            found === '?' ? '[^/]' : found === '*' ? '[^/]*' : '.*',
          );
          expect(compileGlob(pattern)(text), `${pattern} on ${text}`).toBe(
            new RegExp(`^(?:${source})$`, 's').test(text),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a pattern that blows up a backtracking matcher ends at once', () => {
    const glob = compileGlob(`/${'a*'.repeat(40)}b`);
    expect(glob(`/${'a'.repeat(5000)}`)).toBe(false);
  });
});
