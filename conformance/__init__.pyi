from conformance.api import judge as judge

__version__: str
__all__ = ["__version__", "judge"]
