from __future__ import annotations
from mandates import *
def test_it(tmp_path):
    with MandateSite.opened(tmp_path/"land") as site:
        number = site.appointed(RESIDENT, CARER)
        told = site.acts(CARER, number, scope="openid represented name")
        print(told)
        assert told.id_token["act"]["sub"] == site.log_in(CARER).id_token["sub"]
        assert told.id_token["sub"] == site.log_in(RESIDENT).id_token["sub"]
        print(site.run(site.counter.listed(site.clerk(RESIDENT))))
