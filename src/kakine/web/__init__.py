"""What every site of the country is built on."""
