"""What schemathesis has to be told of: how the source of a script is written."""

import schemathesis

schemathesis.serializer.alias("application/javascript", "text/plain")
