// Whether a port can be listened on, asked before anything else is begun: a stream set that is opened on a store takes
// the node over from whoever has it, which is too much to do for a broker that then finds its port in use.
import { createServer } from 'node:net';

/** Listens for a moment. Rejects with the error of the machine if that cannot be. */
export async function checkPortFree({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => server.close(() => resolve()));
  });
}
