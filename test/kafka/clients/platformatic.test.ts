// @platformatic/kafka does on the broker what its users do.
import { PlatformaticClient } from './platformatic-client.ts';
import { describeClient } from './scenarios.ts';

describeClient(() => new PlatformaticClient());
