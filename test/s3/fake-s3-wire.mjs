// How answers of the fake server go out: at once, or as slowly and as incompletely as a fault says. The proxy uses the
// same.
const tickMs = 20;

export function sleep(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Sends an answer { status, headers, body }; `slowBody` and `cutBodyAfter` of a fault make it a bad one. */
export function send(response, { status = 200, headers = {}, body }, fault) {
  const length = body?.byteLength ?? 0;
  const isEmpty = status === 204 || status === 304;
  const type = status >= 300 || headers['Accept-Ranges'] === undefined ? 'application/xml' : 'binary/octet-stream';
  const about = isEmpty ? {} : { 'Content-Length': length, ...(length > 0 ? { 'Content-Type': type } : {}) };
  response.writeHead(status, { ...about, ...headers, 'x-amz-request-id': 'fake-request', Server: 'FakeS3' });
  if (body === undefined || response.req.method === 'HEAD') response.end();
  else sendBody(response, body, fault);
}

/** Sends a body whose head is written: whole, slowly, or only the beginning of it. */
export function sendBody(response, body, { slowBody, cutBodyAfter }) {
  const end = Math.min(body.byteLength, cutBodyAfter ?? Infinity);
  const isCut = end < body.byteLength;
  if (slowBody === undefined && !isCut) return void response.end(body);
  const step = slowBody === undefined ? end : Math.max(1, Math.ceil((slowBody.bytesPerSecond * tickMs) / 1000));
  let sent = 0;
  const more = () => {
    if (response.destroyed) return;
    const piece = body.subarray(sent, Math.min(end, sent + step));
    sent += piece.byteLength;
    if (sent < end) return void response.write(piece, () => setTimeout(more, slowBody === undefined ? 0 : tickMs));
    if (!isCut) return void response.end(piece);
    // What was written must be on its way before the connection goes, or nothing of it arrives.
    response.write(piece.byteLength === 0 ? '' : piece);
    setTimeout(() => response.socket?.destroy(), tickMs);
  };
  more();
}
