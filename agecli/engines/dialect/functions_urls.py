"""The url_ functions: Java's reading of URLs, value by value."""

from __future__ import annotations

from agecli.engines.dialect.registry import provide, register
from agecli.engines.runtime import urls
from agecli.engines.runtime.arrow import udf

for _name, _body, _result in (
    ("url_extract_host", urls.host, "varchar"),
    ("url_extract_protocol", urls.protocol, "varchar"),
    ("url_extract_path", urls.path, "varchar"),
    ("url_extract_query", urls.query, "varchar"),
    ("url_extract_fragment", urls.fragment, "varchar"),
    ("url_extract_port", urls.port, "bigint"),
    ("url_encode", urls.encode, "varchar"),
):
    provide(udf(f"ag_{_name}", _body, ["varchar"], _result))
    register(_name, ["varchar"], _result, f"ag_{_name}({{0}})")
provide(udf("ag_url_extract_parameter", urls.parameter, ["varchar", "varchar"], "varchar"))
register("url_extract_parameter", ["varchar", "varchar"], "varchar", "ag_url_extract_parameter({0}, {1})")
provide(udf("ag_url_decode", urls.decode, ["varchar"], "varchar"))
provide(udf("ag_try_url_decode", urls.decode, ["varchar"], "varchar", quiet=True))
register("url_decode", ["varchar"], "varchar", "ag_url_decode({0})", quiet="ag_try_url_decode({0})", fails=True)
