class Resource:
    @staticmethod
    def create(attributes):
        return Resource()
