import { chooseSockets } from '../../enrich/discover.ts';
import { parseEndpoint } from '../../sources/endpoint.ts';
import { type Check, type Checkup, ok, type Result, warn } from './check.ts';

/** Who may open the unix sockets that the configuration leads to. Each of them is power over the host. */
export const socketModes: Check = {
  id: 'socket_modes',
  run(checkup) {
    const { config, own } = checkup;
    const sensors = Object.entries(config.sources).flatMap(([name, source]) => {
      const endpoint = 'address' in source ? parseEndpoint(source.address) : '';
      return typeof endpoint === 'string' || endpoint.path === undefined
        ? []
        : [{ about: `source ${name}`, path: endpoint.path }];
    });
    const { enabled, runtimes } = config.enrich;
    const listed = enabled && Array.isArray(runtimes) ? chooseSockets(runtimes) : [];
    const all = [...sensors, ...listed.map(({ socket }) => ({ about: `runtime ${socket}`, path: socket }))];
    return all.flatMap(({ about, path }) => modeOf(about, path, own));
  },
};

/** One that is not there is told where it is connected to. */
function modeOf(about: string, path: string, own: Checkup['own']): Result[] {
  const found = own.stat(path);
  if (found === undefined) return [];
  const text = `${path} is ${found.uid}:${found.gid} mode ${(found.mode & 0o777).toString(8)}`;
  if ((found.mode & 0o002) === 0) return [ok(about, text)];
  return [
    warn(about, `${text}: everybody on this host may open it`, `chmod o-w ${path}, and where it is made.`),
  ];
}
