// ApiVersions: what is served. Clients ask it first, and choose their versions by it.
import type { Handler } from '../handler.ts';
import { kafkaErrors } from '../kafka-error.ts';
import {
  apiVersionsApi,
  type ApiVersion,
  type ApiVersionsRequest,
  type ApiVersionsResponse,
} from '../messages/api-versions.ts';
import type { Api } from '../wire/api.ts';

/** How a client may call itself and its version. */
const softwarePattern = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

/** Serves the list of `others`, and itself. */
export function apiVersions(others: readonly Api[]): Handler<ApiVersionsRequest, ApiVersionsResponse> {
  const apiKeys: readonly ApiVersion[] = [...others, apiVersionsApi as Api]
    .map(({ key, minVersion, maxVersion }) => ({ apiKey: key, minVersion, maxVersion }))
    .toSorted((a, b) => a.apiKey - b.apiKey);
  const answer = (errorCode: number): ApiVersionsResponse => ({
    errorCode,
    // A client that asked in a version that is not served needs the list; who names itself badly does not get it.
    apiKeys: errorCode === kafkaErrors.INVALID_REQUEST ? [] : apiKeys,
    throttleTimeMs: 0,
  });
  return {
    api: apiVersionsApi,
    handle: ({ clientSoftwareName, clientSoftwareVersion }, { version }) => {
      const isNamed = softwarePattern.test(clientSoftwareName) && softwarePattern.test(clientSoftwareVersion);
      return answer(version < 3 || isNamed ? kafkaErrors.NONE : kafkaErrors.INVALID_REQUEST);
    },
    unsupported: () => answer(kafkaErrors.UNSUPPORTED_VERSION),
  };
}
